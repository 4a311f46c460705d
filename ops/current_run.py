"""What the program tells the providers of its own run, besides the inputs of resources.

Whether the run is a preview, and which machines each cluster will have, are properties of the run
and not of a resource: as inputs they would be stored in the state, and every change would be a diff
of every resource. The engine gives its own address to the program and to each provider process; the
program writes a private file that is named by it, before it registers anything. A preview and the
update after it are different runs with different addresses.
"""

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from model import paths
from ops.private_file import make_private_folder, write_private

# No run lasts longer. A later engine may have the same address and run no program.
KEPT_SECONDS = 24 * 60 * 60


@dataclass(frozen=True)
class Group:
    """The Nodes of a role of which at most `limit` at a time may be unavailable.

    Workers of a `pool` may have a limit of their own; "" stands for all others. The first of the
    control planes is the one on which the cluster would be initialized.
    """

    role: str
    pool: str = ""
    nodes: Sequence[str] = ()
    limit: int = 1


@dataclass(frozen=True)
class CurrentRun:
    """One run; `parallel` is the engine's limit of concurrent steps, 0 if it is unknown.

    `groups` are the machines that each cluster will have, `consents` to the loss of their data;
    `hosts` are the names of machines by their hosts' SSH addresses and host keys.
    """

    is_preview: bool = False
    parallel: int = 0
    groups: Mapping[str, Sequence[Group]] = field(default_factory=dict)
    consents: Mapping[str, str] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)


def write(engine: str, run: CurrentRun) -> None:
    """Record the run of the engine at this address."""
    path = _file(engine)
    path.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_private_folder(path.parent)
    for other in path.parent.iterdir():
        with suppress(FileNotFoundError):
            if not _is_current(other):
                other.unlink()
    _failures(engine).unlink(missing_ok=True)
    write_private(path, json.dumps(asdict(run)))


def read(engine: str) -> CurrentRun:
    """Return the run of the engine at this address; an empty one if it runs no program."""
    path = _file(engine)
    try:
        known = json.loads(path.read_text(encoding="utf-8")) if _is_current(path) else {}
    except FileNotFoundError:
        known = {}
    groups = {
        cluster: tuple(Group(**group) for group in groups)
        for cluster, groups in known.pop("groups", {}).items()
    }
    return CurrentRun(**known, groups=groups)


def record_failed_deletion(engine: str) -> None:
    """Record that a deletion failed in the run of the engine at this address."""
    path = _failures(engine)
    if path.parent.is_dir():
        with path.open("a", encoding="utf-8") as file:
            file.write(".")


def failed_deletions(engine: str) -> int:
    """Return how many deletions have failed in the run of the engine at this address."""
    path = _failures(engine)
    return path.stat().st_size if path.exists() else 0


def _is_current(path: Path) -> bool:
    return time.time() - path.stat().st_mtime < KEPT_SECONDS


def _failures(engine: str) -> Path:
    return _file(engine).with_suffix(".failures")


def _file(engine: str) -> Path:
    return paths.state_dir() / "runs" / f"{engine.replace(':', '-').replace('/', '-')}.json"
