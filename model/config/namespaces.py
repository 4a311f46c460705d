"""Namespaces that a config names: the resources that their pods may use, and a default policy.

https://kubernetes.io/docs/concepts/policy/resource-quotas/ and limit-range/
"""

import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

from model.config.addresses import DNS_LABEL, DNS_NAME
from model.config.field import Flag, ScalarField
from model.config.labels_and_taints import LABEL_PART
from model.config.open_mapping import OpenMapping, Violation
from model.config.strict import Atomic
from model.quantities import PATTERN, value_of

_COMPUTE = ("cpu", "memory", "ephemeral-storage")
# What has no unit: numbers of objects.
_COUNTED = (
    *("pods", "services", "services.loadbalancers", "services.nodeports", "configmaps", "secrets"),
    *("persistentvolumeclaims", "replicationcontrollers", "resourcequotas"),
)
_QUOTAS = (
    *_COMPUTE,
    *(f"requests.{name}" for name in (*_COMPUTE, "storage")),
    *(f"limits.{name}" for name in _COMPUTE),
    *_COUNTED,
)
_QUALIFIED = rf"{DNS_NAME}/{LABEL_PART}"
# Those of a domain: devices, storage classes, and numbers of other objects.
_QUOTA = (
    rf"(requests\.)?hugepages-\d+[KMG]i|requests\.{_QUALIFIED}|count/[a-z0-9.-]{{1,63}}"
    rf"|{DNS_NAME}\.storageclass\.storage\.k8s\.io/(requests\.storage|persistentvolumeclaims)"
)
_LIMIT = rf"hugepages-\d+[KMG]i|{_QUALIFIED}"
_QUANTITY = "a whole number, or a number with a unit such as m, Mi or Gi"
RESERVED = "kube-"


def _quota(name: str, value: Any) -> Violation | None:
    if name not in _QUOTAS and not re.fullmatch(_QUOTA, name):
        return Violation("unknown resource", _names(_QUOTAS), 'requests.memory: "8Gi"')
    if wrong := _no_quantity(name, value):
        return wrong
    is_counted = name in _COUNTED or name.startswith("count/")
    if is_counted and not re.fullmatch(r"\d+", str(value)):
        return Violation("not a whole number", "a number of objects", f"{name}: 50")
    return None


def _limit(name: str, value: Any) -> Violation | None:
    if name not in _COMPUTE and not re.fullmatch(_LIMIT, name):
        return Violation("unknown resource", _names(_COMPUTE), "memory: 256Mi")
    return _no_quantity(name, value)


def _no_quantity(name: str, value: Any) -> Violation | None:
    fits = (type(value) is str and re.fullmatch(PATTERN, value)) or (
        type(value) is int and 0 <= value < 10**12
    )
    return None if fits else Violation("not a quantity", _QUANTITY, f"{name}: 2")


def _names(known: tuple[str, ...]) -> str:
    return f"{', '.join(known)}, or a resource with a domain, such as nvidia.com/gpu"


def _entries(check: Callable[[str, Any], Violation | None]) -> OpenMapping:
    return OpenMapping(check, {"additionalProperties": {"type": ["string", "integer"]}})


def _own(name: str) -> str:
    if name.startswith(RESERVED):
        raise ValueError("a namespace of Kubernetes or of the pod network")
    return name


NamespaceName = Annotated[
    str,
    ScalarField(
        "the name of a namespace",
        f"lower-case letters, digits and dashes, not beginning with {RESERVED}",
        "team-a",
        pattern=DNS_LABEL,
        check=_own,
    ),
]
Quota = Annotated[dict[str, Any], _entries(_quota)]
Amounts = Annotated[dict[str, Any], _entries(_limit)]


class Limits(Atomic):
    """What a container gets that does not say it, and the most it may have (LimitRange)."""

    default: Amounts = Field(
        default_factory=dict, description="Limits of a container that has none.", examples=[{}]
    )
    default_request: Amounts = Field(
        default_factory=dict, description="Requests of a container that has none.", examples=[{}]
    )
    max: Amounts = Field(
        default_factory=dict,
        description="The most that a container may have.",
        examples=[{"memory": "4Gi"}],
    )


class Namespace(Atomic):
    """A namespace: created if it is missing, and never deleted."""

    quota: Quota = Field(
        default_factory=dict,
        description="What all of its pods and objects may use together (ResourceQuota).",
        examples=[{"requests.memory": "8Gi", "pods": 50}],
    )
    limits: Limits = Field(
        default_factory=Limits, description="What a single container may use (LimitRange)."
    )
    default_deny: Flag = Field(
        False,
        description="Deny its pods every connection, in both directions, except to the cluster's "
        "DNS: what NetworkPolicy objects in it allow comes on top. Needs "
        "`networking.networkPolicy: calico`.",
    )

    def contradictions(self) -> list[tuple[str, str, str]]:
        """Return each resource for which one amount is above another: path, path, resource."""
        its = {
            "defaultRequest": self.limits.default_request,
            "default": self.limits.default,
            "max": self.limits.max,
        }
        ordered = list(its)
        return [
            (lower, upper, name)
            for index, lower in enumerate(ordered)
            for upper in ordered[index + 1 :]
            for name in its[lower].keys() & its[upper].keys()
            if value_of(str(its[lower][name])) > value_of(str(its[upper][name]))
        ]
