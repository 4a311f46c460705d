"""Operations on one machine of a running cluster: functions of scripts/node, by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from model.pki.certificates import KeyPair
from ops.errors import OperatorError
from ops.hosts import content
from ops.hosts.login import Login
from ops.hosts.operations import IDENTITY, MACHINE, OPERATIONS, Operation
from ops.hosts.session import HostConnection
from ops.hosts.ssh_errors import ConnectionLost, Unreachable
from ops.rollout import checkpoints
from ops.rollout.desired import DesiredCluster, DesiredMachine
from ops.rollout.observed import ObservedMachine, parse
from ops.wait import wait_until

PATIENCE_SECONDS = 20
NOTES = Operation(
    "applied_state", (*IDENTITY, "KUBERNETES_VERSION", "CONTROL", "KUBELET", "RECORDED"), 60
)
INSPECT, RECORD_AND_INSPECT = "inspect", "record_initial; inspect"
ON_A_MEMBER = {
    **OPERATIONS,
    INSPECT: Operation("applied_state", IDENTITY, 30),
    RECORD_AND_INSPECT: NOTES,
    "record_applied": NOTES,
    "register": NOTES,
    "await_health": Operation("health", (*MACHINE, "LEAVING"), 720),
}


@dataclass(frozen=True)
class NodeOperations:
    """A machine, its desired state and its cluster's, and its login.

    `authority` is the cluster's CA, for operations that issue certificates; `trust` are the
    settings of model/pki/trust.py. An inspection has neither.
    """

    wanted: DesiredMachine
    connection: HostConnection
    cluster: DesiredCluster
    authority: KeyPair | None = field(default=None, kw_only=True)
    trust: Mapping[str, str] = field(default_factory=dict, kw_only=True, repr=False)

    @property
    def name(self) -> str:
        """The name of the machine and its Node."""
        return self.wanted.name

    @property
    def issuer(self) -> KeyPair:
        """The cluster's CA; it must be known."""
        assert self.authority is not None, "the rollout was not given the cluster's CA"
        return self.authority

    def run(
        self,
        name: str,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        stream: Iterable[bytes] = (),
        **more: str,
    ) -> str:
        """Run an operation with its settings on the stream; return its output.

        The settings are those of the machine and its cluster, and `more`. If nothing answers, it
        retries for a while, then raises Unreachable.
        """
        try:
            return self._run(name, patience_seconds, stream, more)
        except Unreachable as error:
            raise Unreachable(f"{self.name}: {name.replace('_', ' ')}: {error}") from None

    def _run(
        self,
        name: str,
        patience_seconds: float,
        stream: Iterable[bytes] = (),
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        operation = ON_A_MEMBER[name]
        known = {**self._settings, **more}
        if "FILES" in operation.settings:
            known["FILES"] = content.get(self.wanted.table)
        settings = {key: known[key] for key in operation.settings}
        with self.connection.open(patience_seconds=patience_seconds) as session:
            return session.run(name, operation, settings, stream)

    def inspect(self, *, record_initial: bool, patience_seconds: float) -> ObservedMachine:
        """Return the machine's report; one that does not answer is unreachable, never gone.

        With `record_initial`, a machine that has recorded nothing yet records that it is in its
        desired state. A connection that is lost meanwhile is made again: machines restart.
        """
        call = RECORD_AND_INSPECT if record_initial else INSPECT
        try:
            report = wait_until(
                lambda: self._run(call, patience_seconds),
                patience_seconds,
                Unreachable,
                passing=(ConnectionLost,),
            )
            return parse(report.splitlines())
        except Unreachable as error:
            return ObservedMachine(unreachable=str(error))
        except OperatorError as error:
            return ObservedMachine(unreachable=f"it cannot be inspected: {error}")

    @property
    def _settings(self) -> dict[str, str]:
        return {
            "NODE_NAME": self.name,
            "MACHINE_ID": self.cluster.ids[self.name],
            "NODE_ADDRESS": self.wanted.address,
            "KUBERNETES_VERSION": self.wanted.version,
            "CONTROL": self.wanted.control,
            "KUBELET": self.wanted.kubelet,
            "RECORDED": self.wanted.recorded,
            "CLUSTER_CONFIGURATION": self.cluster.cluster_document,
            "KUBELET_CONFIGURATION": self.wanted.kubelet_document,
            "KUBELET_RECORDS": checkpoints.SETTING,
            "SECURITY_UPDATES": self.wanted.security_updates,
            **self.trust,
            "CLIENT_AUTHORITIES": self.cluster.client_authorities,
            "API_SERVER_SECRETS": self.cluster.api_server_secrets,
            "MIRROR_CREDENTIALS": self.cluster.mirror_credentials.removesuffix("\n"),
        }


def node_operations(
    cluster: DesiredCluster,
    logins: Mapping[str, Login],
    authority: KeyPair | None = None,
    *,
    trust: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, NodeOperations]:
    """Return every machine of the cluster by name, in the order of names."""
    return {
        machine.name: NodeOperations(
            machine,
            HostConnection(machine.name, logins[machine.name]),
            cluster,
            authority=authority,
            trust=trust,
        )
        for machine in cluster.machines
    }
