"""An etcd snapshot, sent to the control plane on which its cluster is restored.

Create asks that machine whether it is to initialize its cluster, and only then sends the file,
which the initialization removes again. Another snapshot or another machine behind the name is an
update that does the same. Read detects a required file that is missing on the machine; an
unreachable machine counts as missing nothing. Delete does nothing. State holds the file's path and
checksum.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from components.providers.base import Provider
from ops.errors import OperatorError

if TYPE_CHECKING:
    from ops.hosts.session import HostConnection

PATIENCE_SECONDS = 20
CHUNK = 1 << 20
WANTED = "wanted"
DELIVERED = "delivered"
MISSING = "missing"
CAUSES = ("path", "sha256", "machine_id", "login")


class EtcdSnapshotProvider(Provider):
    """Sends a snapshot to the machine that needs it."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Send the snapshot if the machine is to initialize its cluster."""
        return CreateResult(id_=uuid4().hex, outs=_deliver(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Ask the machine again when the snapshot, the machine or its login changed."""
        moved = any(olds[key] != news[key] for key in CAUSES)
        return DiffResult(changes=moved or olds["condition"] == MISSING)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Send the snapshot if the machine is to initialize its cluster."""
        return UpdateResult(outs=_deliver(news))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Ask the machine whether it still needs the snapshot."""
        from ops.hosts.ssh import Unreachable

        try:
            condition = MISSING if _ask(props) else DELIVERED
        except Unreachable:
            condition = props["condition"]
        return ReadResult(id_=id_, outs={**props, "condition": condition})


def _deliver(props: dict[str, Any]) -> dict[str, Any]:
    if _ask(props, PATIENCE_SECONDS):
        _send(props)
    return {**props, "condition": DELIVERED}


def _ask(props: Mapping[str, Any], patience_seconds: float = 0) -> bool:
    from ops.hosts.operations import OPERATIONS

    settings = {**props["settings"], "SNAPSHOT": props["sha256"]}
    with _connection(props).open(patience_seconds=patience_seconds) as visit:
        said = visit.run("want_snapshot", OPERATIONS["want_snapshot"], settings)
    return said.split()[-1:] == [WANTED]


def _send(props: Mapping[str, Any]) -> None:
    from ops.hosts.operations import OPERATIONS

    path = Path(props["path"])
    settings = {
        "NODE_NAME": props["machine"],
        "SNAPSHOT": props["sha256"],
        "SNAPSHOT_BYTES": str(_size(path)),
    }
    with _connection(props).open(patience_seconds=PATIENCE_SECONDS) as visit:
        visit.run("receive_snapshot", OPERATIONS["receive_snapshot"], settings, _content(path))


def _connection(props: Mapping[str, Any]) -> "HostConnection":
    from ops.hosts.login import Login
    from ops.hosts.session import HostConnection

    return HostConnection(props["machine"], Login.from_props(props["login"]))


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
        f"the snapshot {path} cannot be read ({error.strerror}): bring it back and run `pulumi up` "
        "again; nothing was restored"
    )


class EtcdSnapshot(Resource, module="kubeadm-fleet", name="EtcdSnapshot"):
    """A snapshot offered to a machine: `condition` says whether it is missing there.

    From `settings` the machine determines whether it is to initialize its cluster.
    """

    condition: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        path: str,
        sha256: str,
        machine: str,
        machine_id: pulumi.Input[str],
        login: Mapping[str, Any],
        settings: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            EtcdSnapshotProvider(),
            name,
            {
                "path": path,
                "sha256": sha256,
                "machine": machine,
                "machine_id": machine_id,
                "login": pulumi.Output.secret(pulumi.Output.from_input(dict(login))),
                "settings": dict(settings),
                "condition": None,
            },
            opts,
        )
