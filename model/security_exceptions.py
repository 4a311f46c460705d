"""The exceptions of a cluster: its security settings that are weaker than the defaults.

One row of the table is one setting; a new setting of model/config/security.py is a new row.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from model.fleet import NO_POLICY, Cluster
from model.security import BASELINE, LEVELS, NONE, RESTRICTED, AuditLog, Security
from model.weakened_components import Components, setting_of, weakened


@dataclass(frozen=True)
class SecurityException:
    """A setting that is weaker than the default: its path, its value, and what that means."""

    setting: str
    value: str
    meaning: str

    def __str__(self) -> str:
        return f"{self.setting} is {self.value}: {self.meaning}"


@dataclass(frozen=True)
class Row:
    """A setting: `weaker` returns its value as text if it is weaker than the default, else ""."""

    setting: str
    weaker: Callable[[Security], str]
    meaning: str


def _below(level: str, strict: str) -> str:
    return level if LEVELS.index(level) < LEVELS.index(strict) else ""


def _less_kept(log: AuditLog) -> str:
    default = AuditLog()
    less = log.megabytes < default.megabytes or log.max_age < default.max_age
    return f"{log.megabytes} MB, {log.max_age} days" if less else ""


ROWS = (
    Row(
        "security.secretsEncryption.provider",
        lambda its: NONE if its.encryption.provider == NONE else "",
        "Secrets can be read in etcd and in snapshots",
    ),
    Row(
        "security.audit.policy",
        lambda its: "its own" if its.audit.policy else "",
        "the audit log has what this policy says",
    ),
    Row(
        "security.audit.log",
        lambda its: _less_kept(its.audit.log),
        "the audit log reaches less far back",
    ),
    Row(
        "security.podSecurity.enforce",
        lambda its: _below(its.pod_security.enforce, BASELINE),
        "pods may take over their Nodes",
    ),
    Row(
        "security.podSecurity.audit",
        lambda its: _below(its.pod_security.audit, RESTRICTED),
        "the audit log does not mark all pods that exceed the restricted level",
    ),
    Row(
        "security.podSecurity.warn",
        lambda its: _below(its.pod_security.warn, RESTRICTED),
        "nobody is warned of some pods that exceed the restricted level",
    ),
    Row(
        "security.podSecurity.exemptNamespaces",
        lambda its: ", ".join(its.pod_security.exempt_namespaces),
        "pods in these namespaces may take over their Nodes",
    ),
)


# The one setting of another section.
UNRESTRICTED = SecurityException(
    "networking.networkPolicy", NO_POLICY, "NetworkPolicy objects have no effect"
)


def exceptions(cluster: Cluster) -> tuple[SecurityException, ...]:
    """Return the cluster's exceptions, in the order of the tables."""
    kubelets = (machine.kubelet for machine in cluster.machines)
    return weaker_than_default(cluster.security, cluster.network_policy, cluster, kubelets)


def weaker_than_default(
    security: Security,
    network_policy: str,
    components: Components,
    kubelets: Iterable[Mapping[str, Any]],
) -> tuple[SecurityException, ...]:
    """Return the exceptions in these settings; `kubelets` are those of single machines or pools."""
    found = ((row, row.weaker(security)) for row in ROWS)
    return (
        *(SecurityException(row.setting, value, row.meaning) for row, value in found if value),
        *([UNRESTRICTED] if network_policy == NO_POLICY else []),
        *(
            SecurityException(setting_of(row), value, row.meaning)
            for row, value in weakened(components, kubelets)
        ),
    )
