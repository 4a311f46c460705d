"""What can be done on a machine that is a member of a cluster: functions of scripts/node, by name.

Each finds out what is left to do and can be called again after a kill at any moment; one at a time
runs on a machine. scripts/node/upgrade.sh and node_facts.sh say what each does and needs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from model.sudo import KILL_AFTER_SECONDS
from ops.hosts.ssh import Connection, Finished
from ops.hosts.sudo import Sudo

NODE_SCRIPTS = Path(__file__).parents[2] / "scripts" / "node"
CHANGING = (
    "lib", "kubeadm", "configure", "install", "proxy", "runtime", "kernel", "staging", "documents",
    "static-pods", "vip", "change", "upgrade",
)  # fmt: skip
MACHINE = ("NODE_NAME", "NODE_ADDRESS", "KUBERNETES_VERSION")
FOUNDING = ("lib", "kubeadm", "pki", "restore", "init")
FOUNDER = ("NODE_NAME", "NODE_ADDRESS", "ENDPOINT", "CA_CERTIFICATE", "MEMBERSHIP")
DOCUMENTS = ("CLUSTER_CONFIGURATION", "KUBELET_CONFIGURATION")


@dataclass(frozen=True)
class Operation:
    """The files that a function is made of, the settings it takes, and how long it may run."""

    parts: tuple[str, ...]
    settings: tuple[str, ...]
    seconds: int


OPERATIONS = {
    "node_facts": Operation(("node_facts",), (), 60),
    "check_upgrade": Operation(CHANGING, (*MACHINE, "IGNORED_CHECKS"), 1500),
    "upgrade_first": Operation(CHANGING, (*MACHINE, *DOCUMENTS), 1500),
    "upgrade_control_plane": Operation(CHANGING, MACHINE, 1500),
    "upgrade_kubelet": Operation(CHANGING, MACHINE, 600),
    "upload_configuration": Operation(CHANGING, (*MACHINE, *DOCUMENTS), 120),
    "apply_control_plane": Operation(CHANGING, MACHINE, 1500),
    "apply_kubelet": Operation(CHANGING, MACHINE, 600),
    "repair": Operation(CHANGING, MACHINE, 1500),
    "clean": Operation(CHANGING, MACHINE, 300),
    "want_snapshot": Operation(FOUNDING, (*FOUNDER, "OTHER_CONTROL_PLANES", "SNAPSHOT"), 660),
    "receive_snapshot": Operation(
        ("lib", "restore"), ("NODE_NAME", "SNAPSHOT", "SNAPSHOT_BYTES"), 3600
    ),
}


def run(
    connection: Connection,
    call: str,
    operation: Operation,
    settings: Mapping[str, str],
    *,
    root: Sudo,
    stream: Iterable[bytes] = (),
) -> Finished:
    """Run a function of the operation as root; `settings` are exactly those that it takes.

    What it reads from standard input is the stream.
    """
    missing = set(operation.settings) ^ set(settings)
    assert not missing, f"{call} takes {operation.settings}: {missing}"
    return root.run(
        connection,
        text_of(operation, settings),
        call,
        stream,
        limit=operation.seconds,
        seconds=operation.seconds + 2 * KILL_AFTER_SECONDS,
    )


def text_of(operation: Operation, settings: Mapping[str, str]) -> bytes:
    """Return the settings as shell assignments, and the functions behind them."""
    assignments = "".join(f"{key}={quote(value)}\n" for key, value in sorted(settings.items()))
    parts = ((NODE_SCRIPTS / f"{part}.sh").read_text() for part in operation.parts)
    return (assignments + "".join(parts)).encode()
