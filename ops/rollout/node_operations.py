"""What can be done to one machine of a running cluster: each is one operation of scripts/node."""

from dataclasses import dataclass

from ops.hosts import operations
from ops.hosts.session import HostConnection
from ops.rollout.desired import DesiredCluster, DesiredMachine

PATIENCE_SECONDS = 20
# Each of these takes exactly the settings that `applied_settings` returns.
NOTES = operations.Operation("applied_state", ("KUBERNETES_VERSION", "CONTROL", "KUBELET"), 60)
HEALTH = operations.Operation("health", operations.MACHINE, 660)


@dataclass(frozen=True)
class NodeOperations:
    """A machine, what it and its cluster should be, and the way in."""

    wanted: DesiredMachine
    connection: HostConnection
    cluster: DesiredCluster

    @property
    def name(self) -> str:
        """The machine's and its Node's."""
        return self.wanted.name

    def check_upgrade(self, *, ignored: str) -> None:
        """Have kubeadm check whether the cluster can be upgraded, but for the `ignored` checks."""
        self._do("check_upgrade", IGNORED_CHECKS=ignored)

    def upgrade(self, *, first: bool) -> None:
        """Have everything on it that carries a version in the wanted one; drain it before.

        The `first` of the control planes upgrades the cluster's own objects as well.
        """
        if first:
            self._do("upgrade_first", **self._documents)
        elif self.wanted.is_control_plane:
            self._do("upgrade_control_plane")
        else:
            self._do("upgrade_kubelet")

    def upload(self) -> None:
        """Tell the cluster its settings, through this control plane."""
        self._do("upload_configuration", **self._documents)

    def apply_control_plane(self) -> None:
        """Have the control plane's pods as the cluster's settings say."""
        self._do("apply_control_plane")

    def apply_kubelet(self) -> None:
        """Have the kubelet as the cluster's settings say."""
        self._do("apply_kubelet")

    def repair(self) -> None:
        """Have programs, files and services as they were made."""
        self._do("repair")

    def clean(self) -> None:
        """Forget the versions that it does not run any more."""
        self._do("clean")

    def await_health(self) -> None:
        """Wait until its etcd member and its API server are healthy."""
        self._run("await_health", HEALTH, self._settings)

    def register(self) -> None:
        """Have the kubelet register its Node, with nothing left of a former one's pod network."""
        self._note("register")

    def record_applied(self) -> None:
        """Note that it is what is wanted now."""
        self._note("record_applied")

    @property
    def _documents(self) -> dict[str, str]:
        return {
            "CLUSTER_CONFIGURATION": self.cluster.cluster_document,
            "KUBELET_CONFIGURATION": self.cluster.kubelet_document,
        }

    @property
    def _settings(self) -> dict[str, str]:
        return {
            "NODE_NAME": self.name,
            "NODE_ADDRESS": self.wanted.address,
            "KUBERNETES_VERSION": self.wanted.version,
        }

    def _do(self, name: str, **more: str) -> None:
        self._run(name, operations.OPERATIONS[name], {**self._settings, **more})

    def _note(self, name: str) -> None:
        self._run(name, NOTES, applied_settings(self.wanted))

    def _run(self, name: str, operation: operations.Operation, settings: dict[str, str]) -> None:
        with self.connection.open(patience_seconds=PATIENCE_SECONDS) as visit:
            visit.run(name, operation, settings)


def applied_settings(wanted: DesiredMachine) -> dict[str, str]:
    """Return what a machine notes when it is what is wanted."""
    return {
        "KUBERNETES_VERSION": wanted.version,
        "CONTROL": wanted.control,
        "KUBELET": wanted.kubelet,
    }
