"""The alert rules for Prometheus over the metrics of `fleet watch`, as one table.

`make schema` writes them to docs/monitoring/alerts.yaml. What is wrong is decided by the watch, as
its events are: a rule adds for how long, how urgent, and the runbook. Rules hold only for clusters
whose API answers: of the others, only that is known.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from model.watch import remedies

GROUP = "kubeadm-fleet"
PREFIX = "Fleet"
PROBLEMS, UP = "kubeadm_fleet_problems", "kubeadm_fleet_up"
IF_UP = f"and on (cluster) {UP} == 1"
SUBJECT = "{{ $labels.cluster }}{{ with $labels.name }}/{{ . }}{{ end }}"


class Urgency(StrEnum):
    """The label `severity` of an alert: critical is an outage, a warning may become one."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True)
class Alert:
    """A rule: it fires after its expression had a value for so long; `runbook` is a path."""

    name: str
    expression: str
    hold: str
    urgency: Urgency
    summary: str
    runbook: str

    def rule(self) -> dict[str, Any]:
        """Return it as Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.hold,
            "labels": {"severity": str(self.urgency)},
            "annotations": {"summary": self.summary, "runbook_url": self.runbook},
        }


def _problem(
    reason: str, urgency: Urgency, hold: str, what: str, *, gate: str = IF_UP, only: str = ""
) -> Alert:
    """Return the rule for a reason of the watch; `only`: those of this severity."""
    selector = f'reason="{reason}"' + (f', severity="{only}"' if only else "")
    name = f"{PREFIX}{reason}" + (only.capitalize() if only == "warning" else "")
    expression = f"{PROBLEMS}{{{selector}}} > 0" + (f" {gate}" if gate else "")
    remedy = remedies.of(reason)
    return Alert(name, expression, hold, urgency, f"{SUBJECT}: {what}", remedy.path)


_C, _W = Urgency.CRITICAL, Urgency.WARNING
_SIZE, _QUOTA = "kubeadm_fleet_etcd_database_bytes", "kubeadm_fleet_etcd_quota_bytes"
_FILLS = f"predict_linear({_SIZE}[6h], 345600) > {_QUOTA} and {_SIZE} > 0.5 * {_QUOTA} {IF_UP}"
_ETCD = 'kubeadm_fleet_component_pods{component="etcd"'
_QUORUM = (
    f'{_ETCD}, state="ready"}} <= on (cluster) floor(sum by (cluster) ({_ETCD}}}) / 2) + 1 '
    f'and on (cluster) {_ETCD}, state="not_ready"}} > 0 {IF_UP}'
)
# What another program's Node may report.
_OTHERS = f'{PROBLEMS}{{reason!~"{"|".join(remedies.REMEDIES)}"}} > 0 {IF_UP}'
ALERTS: tuple[Alert, ...] = (
    Alert(
        f"{PREFIX}WatchSilent",
        f"absent({UP})",
        "5m",
        _C,
        "Prometheus hears nothing of `fleet watch`: no other rule here can fire",
        f"{remedies.RUNBOOKS}/watch-silent.md",
    ),
    _problem("APIUnreachable", _C, "1m", "its API does not answer", gate=""),
    _problem("APIError", _C, "1m", "its API answers with errors", gate=""),
    _problem("AccessInvalid", _W, "1m", "the credential for watching is refused", gate=""),
    _problem("CannotRead", _W, "5m", "the credential for watching may not read all it should"),
    _problem("MayChange", _W, "5m", "the credential for watching may do more than read"),
    _problem("NoNodes", _C, "5m", "it has no Node"),
    _problem("NotReady", _C, "1m", "the Node is not Ready"),
    _problem("NetworkNotReady", _C, "1m", "the Node has no CNI configuration: no pod starts on it"),
    _problem("KubeletUnreachable", _C, "2m", "the API server does not reach the Node's kubelet"),
    _problem("KubeletNotMeasured", _W, "5m", "metrics-server does not reach the Node's kubelet"),
    _problem("ObjectMissing", _W, "5m", "an object that was applied is missing"),
    _problem("ObjectEdited", _W, "5m", "an object that was applied was edited"),
    _problem("ObjectDeleted", _W, "5m", "an object that was applied was deleted"),
    _problem("Cordoned", _W, "1h", "the Node is cordoned"),
    _problem("ChangePending", _W, "1h", "a change of the machine is pending"),
    _problem("TimerFailed", _W, "5m", "a timer of the machine failed"),
    _problem("MemoryPressure", _W, "5m", "the Node lacks memory"),
    _problem("DiskPressure", _W, "1m", "the Node lacks disk space"),
    _problem("PIDPressure", _W, "5m", "the Node lacks process IDs"),
    _problem("NetworkUnavailable", _C, "1m", "the Node has no pod network"),
    _problem("ComponentNotReady", _C, "1m", "a member of etcd is not Ready", only="error"),
    _problem("ComponentNotReady", _W, "2m", "a component is not Ready", only="warning"),
    Alert(
        f"{PREFIX}QuorumAtRisk",
        _QUORUM,
        "1m",
        _C,
        "{{ $labels.cluster }}: etcd loses its quorum with the next control plane",
        f"{remedies.RUNBOOKS}/control-plane-lost.md",
    ),
    _problem("LeaderMissing", _C, "1m", "a leader of the control plane is missing"),
    _problem("WritesFail", _C, "1m", "etcd accepts no writes"),
    _problem("EtcdMemberAlarm", _C, "1m", "etcd has an alarm and accepts no writes"),
    _problem("EtcdSpace", _W, "5m", "etcd's database is almost full"),
    Alert(
        f"{PREFIX}EtcdFills",
        _FILLS,
        "1h",
        _W,
        "{{ $labels.cluster }}: etcd's database is full within four days if it goes on growing",
        f"{remedies.RUNBOOKS}/etcd-full.md",
    ),
    _problem("DNSNotReady", _C, "1m", "the cluster's DNS does not work"),
    _problem("AddOnNotReady", _W, "5m", "an add-on is not Ready"),
    _problem("ProbeNotReady", _C, "2m", "the Node's probe pod does not work"),
    _problem("PodsUnreachable", _C, "1m", "pods of Nodes do not reach each other"),
    _problem("MetricsUnavailable", _W, "5m", "the API of metrics-server is not served"),
    _problem("APIServiceUnavailable", _W, "5m", "an aggregated API is not served"),
    _problem("CertificateExpires", _W, "10m", "a certificate expires and was not renewed"),
    _problem("CertificateExpired", _C, "0m", "a certificate has expired"),
    _problem("BackupOverdue", _W, "10m", "no snapshot of etcd of the last two days"),
    _problem("BackupFailed", _W, "10m", "the last snapshot of etcd failed"),
    _problem("JobFailed", _W, "5m", "a job of the machine failed"),
    _problem("HostDrift", _W, "5m", "the machine differs from what was declared"),
    _problem("HostNotReporting", _W, "5m", "the machine stopped reporting"),
    _problem("DiskFull", _W, "5m", "a disk of the machine is full"),
    _problem("ClockUnsynchronized", _W, "10m", "the machine's clock is not synchronized"),
    _problem("ClockSkew", _W, "1m", "the clock differs from that of most machines"),
    _problem("OwnClockSkew", _W, "1m", "the clock of the host that watches is off", gate=""),
    Alert(
        f"{PREFIX}OtherProblem",
        _OTHERS,
        "5m",
        _W,
        f"{SUBJECT}: {{{{ $labels.reason }}}}",
        remedies.OTHER.path,
    ),
)


def document() -> dict[str, Any]:
    """Return the rules as a file of Prometheus has them."""
    return {"groups": [{"name": GROUP, "rules": [each.rule() for each in ALERTS]}]}
