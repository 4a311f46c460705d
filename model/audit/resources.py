"""Types of objects as a person names them, and how API servers name them in their events."""

import re
from dataclasses import dataclass

# kubectl's, as `kubectl api-resources` shows them.
SHORT_NAMES = {
    "cm": "configmaps", "crd": "customresourcedefinitions", "crds": "customresourcedefinitions",
    "cj": "cronjobs", "csr": "certificatesigningrequests", "deploy": "deployments",
    "ds": "daemonsets", "ep": "endpoints", "ev": "events", "hpa": "horizontalpodautoscalers",
    "ing": "ingresses", "limits": "limitranges", "netpol": "networkpolicies", "no": "nodes",
    "ns": "namespaces", "pc": "priorityclasses", "pdb": "poddisruptionbudgets", "po": "pods",
    "pv": "persistentvolumes", "pvc": "persistentvolumeclaims", "quota": "resourcequotas",
    "rc": "replicationcontrollers", "rs": "replicasets", "sa": "serviceaccounts",
    "sc": "storageclasses", "sts": "statefulsets", "svc": "services",
}  # fmt: skip
_VERSION = re.compile(r"v\d+((alpha|beta)\d+)?(\.|$)")


class ObjectNameError(ValueError):
    """What was named is no object; the message says what one looks like."""


@dataclass(frozen=True)
class ObjectName:
    """Which objects are wanted: any of these resources; `group` None and `name` "" are any."""

    resources: frozenset[str]
    group: str | None = None
    name: str = ""

    @classmethod
    def parse(cls, given: tuple[str, ...], *, needs_name: bool) -> "ObjectName":
        """Parse TYPE/NAME, or TYPE and NAME, as kubectl takes them; raises ObjectNameError."""
        if len(given) == 1:
            kind, _, name = given[0].partition("/")
        elif len(given) == 2 and "/" not in given[0]:
            kind, name = given
        else:
            raise ObjectNameError(f"{' '.join(given)!r}: name one object, as TYPE/NAME")
        if not kind or (needs_name and not name) or "/" in name:
            raise ObjectNameError(
                f"{' '.join(given)!r} is not an object: write TYPE/NAME, as in pods/web-0"
            )
        return cls._of(kind, name)

    @classmethod
    def _of(cls, kind: str, name: str) -> "ObjectName":
        resource, dot, group = kind.lower().partition(".")
        group = _VERSION.sub("", group, count=1) if _VERSION.match(group) else group
        plural = SHORT_NAMES.get(resource)
        names = {plural} if plural else _plurals(resource)
        return cls(frozenset(names), group if dot else None, name)

    def has_type(self, resource: str, group: str) -> bool:
        """Whether a resource is of the type."""
        return resource in self.resources and self.group in (None, group)


def _plurals(name: str) -> set[str]:
    """Return what may be the plural of a type; nothing here knows those of custom resources."""
    return {name, f"{name}s", f"{name}es", re.sub("y$", "ies", name)}
