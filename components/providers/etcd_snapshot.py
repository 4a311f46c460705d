"""An etcd snapshot, sent to the control plane on which its cluster is restored.

Create asks that machine whether it is to initialize its cluster, and only then sends the file,
which the initialization removes again. Another snapshot or another machine behind the name is an
update that does the same. Read detects a required file that is missing on the machine; an
unreachable machine counts as missing nothing. Delete does nothing. State holds the file's path and
checksum.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import pulumi
from pulumi.dynamic import DiffResult

from components.providers.base import ProvidedResource, Provider, changed
from ops.errors import OperatorError
from ops.hosts.login import Login, LoginProps

if TYPE_CHECKING:
    from ops.hosts.session import HostConnection

PATIENCE_SECONDS = 20
CHUNK = 1 << 20
REQUIRED = "required"
DELIVERED = "delivered"
MISSING = "missing"
CAUSES = ("path", "sha256", "machine_id", "login")


class EtcdSnapshotInputs(TypedDict):
    """The snapshot as the provider gets it."""

    path: str
    sha256: str
    machine: str
    machine_id: str
    login: LoginProps
    settings: dict[str, str]


class EtcdSnapshotState(EtcdSnapshotInputs):
    """The snapshot as the machine knows it."""

    condition: str


class EtcdSnapshotProvider(Provider[EtcdSnapshotInputs, EtcdSnapshotState]):
    """Sends a snapshot to the machine that needs it."""

    def _create(self, inputs: EtcdSnapshotInputs) -> EtcdSnapshotState:
        """Send the snapshot if the machine is to initialize its cluster."""
        return _deliver(inputs)

    def _diff(self, olds: EtcdSnapshotState, news: EtcdSnapshotInputs) -> DiffResult:
        """Ask the machine again when the snapshot, the machine or its login changed."""
        changes = bool(changed(olds, news, CAUSES)) or olds["condition"] == MISSING
        return DiffResult(changes=changes)

    def _update(self, _olds: EtcdSnapshotState, news: EtcdSnapshotInputs) -> EtcdSnapshotState:
        """Send the snapshot if the machine is to initialize its cluster."""
        return _deliver(news)

    def _read(self, state: EtcdSnapshotState) -> EtcdSnapshotState:
        """Ask the machine whether it still needs the snapshot."""
        from ops.hosts.ssh_errors import Unreachable

        try:
            return {**state, "condition": MISSING if _is_required(state) else DELIVERED}
        except Unreachable:
            return state


def _deliver(inputs: EtcdSnapshotInputs) -> EtcdSnapshotState:
    if _is_required(inputs, PATIENCE_SECONDS):
        _send(inputs)
    return {**inputs, "condition": DELIVERED}


def _is_required(inputs: EtcdSnapshotInputs, patience_seconds: float = 0) -> bool:
    from ops.hosts.operations import OPERATIONS

    settings = {**inputs["settings"], "SNAPSHOT": inputs["sha256"]}
    with _connection(inputs).open(patience_seconds=patience_seconds) as visit:
        output = visit.run("snapshot_required", OPERATIONS["snapshot_required"], settings)
    return output.split()[-1:] == [REQUIRED]


def _send(inputs: EtcdSnapshotInputs) -> None:
    from ops.hosts.operations import OPERATIONS

    path = Path(inputs["path"])
    settings = {
        "NODE_NAME": inputs["machine"],
        "MACHINE_ID": inputs["machine_id"],
        "SNAPSHOT": inputs["sha256"],
        "SNAPSHOT_BYTES": str(_size(path)),
    }
    with _connection(inputs).open(patience_seconds=PATIENCE_SECONDS) as visit:
        visit.run("receive_snapshot", OPERATIONS["receive_snapshot"], settings, _content(path))


def _connection(inputs: EtcdSnapshotInputs) -> "HostConnection":
    from ops.hosts.session import HostConnection

    return HostConnection(inputs["machine"], Login.from_props(inputs["login"]))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from None


def _content(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> OperatorError:
    return OperatorError(
        f"the snapshot {path} cannot be read ({error.strerror}): provide the file and run "
        "`fleet up` again; the cluster was not restored"
    )


@dataclass(frozen=True)
class EtcdSnapshotArgs:
    """A snapshot's file and the machine that it is offered to.

    From `settings` the machine determines whether it is to initialize its cluster.
    """

    path: str
    sha256: str
    machine: str
    machine_id: pulumi.Input[str]
    login: Mapping[str, object]
    settings: Mapping[str, pulumi.Input[str]]


class EtcdSnapshot(ProvidedResource, module="kubeadm-fleet", name="EtcdSnapshot"):
    """A snapshot offered to a machine: `condition` says whether it is missing there."""

    condition: pulumi.Output[str]

    def __init__(
        self, name: str, args: EtcdSnapshotArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        login: pulumi.Output[object] = pulumi.Output.secret(args.login)
        super().__init__(EtcdSnapshotProvider(), name, args, opts, login=login)
