"""What to do about each reason that `fleet watch` tells: a command to begin with, and a runbook."""

from dataclasses import dataclass

RUNBOOKS = "docs/runbooks"


@dataclass(frozen=True)
class Remedy:
    """A command, in which CLUSTER and NODE stand for the finding's, and the name of a runbook."""

    text: str
    runbook: str

    def command(self, cluster: str, node: str) -> str:
        """Return the command for a cluster and one of its Nodes."""
        return self.text.replace("CLUSTER", cluster).replace("NODE", node or "NODE")

    @property
    def path(self) -> str:
        """Return the path of the runbook in the project."""
        return f"{RUNBOOKS}/{self.runbook}.md"


_NODE = "fleet describe NODE"
_CLUSTER = "fleet describe CLUSTER"
_REPAIR = "fleet refresh && fleet up"
REMEDIES = {
    "APIUnreachable": Remedy("fleet status --cluster CLUSTER", "api-unavailable"),
    "APIError": Remedy("fleet status --cluster CLUSTER", "api-unavailable"),
    "AccessInvalid": Remedy("fleet kubeconfig --user NAME", "watch-access"),
    "CannotRead": Remedy("fleet kubeconfig --user NAME", "watch-access"),
    "MayChange": Remedy("fleet kubeconfig --user NAME", "watch-access"),
    "NoNodes": Remedy("fleet up", "cluster-not-ready"),
    "NotReady": Remedy(_NODE, "machine-dead"),
    "NetworkNotReady": Remedy(_NODE, "pods-unreachable"),
    "KubeletUnreachable": Remedy("fleet logs NODE kubelet", "kubelet-unreachable"),
    "KubeletNotMeasured": Remedy(_NODE, "kubelet-unreachable"),
    "ObjectMissing": Remedy(_REPAIR, "drift"),
    "ObjectEdited": Remedy(_REPAIR, "drift"),
    "ObjectDeleted": Remedy(_REPAIR, "drift"),
    "Cordoned": Remedy("kubectl uncordon NODE", "drift"),
    "ChangePending": Remedy("fleet up", "machine-dead"),
    "TimerFailed": Remedy("fleet logs NODE kubeadm-fleet-renewal", "certificates"),
    "MemoryPressure": Remedy(_NODE, "cluster-not-ready"),
    "DiskPressure": Remedy(_NODE, "disk-full"),
    "PIDPressure": Remedy(_NODE, "cluster-not-ready"),
    "NetworkUnavailable": Remedy(_NODE, "pods-unreachable"),
    "ComponentNotReady": Remedy("fleet logs NODE kubelet", "control-plane-lost"),
    "LeaderMissing": Remedy(_CLUSTER, "control-plane-lost"),
    "WritesFail": Remedy("fleet etcd status CLUSTER", "etcd-full"),
    "EtcdMemberAlarm": Remedy("fleet etcd status CLUSTER", "etcd-full"),
    "EtcdSpace": Remedy("fleet etcd status CLUSTER", "etcd-full"),
    "DNSNotReady": Remedy(_CLUSTER, "cluster-not-ready"),
    "AddOnNotReady": Remedy(_CLUSTER, "cluster-not-ready"),
    "ProbeNotReady": Remedy(_NODE, "cluster-not-ready"),
    "PodsUnreachable": Remedy(_NODE, "pods-unreachable"),
    "APIServiceUnavailable": Remedy(_CLUSTER, "metrics-unavailable"),
    "MetricsUnavailable": Remedy(_CLUSTER, "metrics-unavailable"),
    "CertificateExpires": Remedy("fleet certs", "certificates"),
    "CertificateExpired": Remedy("fleet certs", "certificates"),
    "BackupOverdue": Remedy("fleet backup ls", "save-data"),
    "BackupFailed": Remedy("fleet backup ls", "save-data"),
    "JobFailed": Remedy("fleet logs NODE kubeadm-fleet-renewal", "certificates"),
    "HostDrift": Remedy(_REPAIR, "drift"),
    "HostNotReporting": Remedy("fleet logs NODE kubeadm-fleet-drift", "drift"),
    "DiskFull": Remedy("fleet ssh NODE", "disk-full"),
    "ClockUnsynchronized": Remedy("fleet ssh NODE timedatectl", "clock"),
    "ClockSkew": Remedy("fleet ssh NODE timedatectl", "clock"),
    "OwnClockSkew": Remedy("timedatectl", "clock"),
}
# What another program's Node may report.
OTHER = Remedy(_NODE, "cluster-not-ready")


def of(reason: str) -> Remedy:
    """Return what to do about a reason."""
    return REMEDIES.get(reason, OTHER)
