"""Cache entries: created atomically and by one process at a time."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model import files
from scripts.build.progress import megabytes, say


class BuildError(Exception):
    """A build failed; the message says why and what to do."""


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Hold the lock of `target`; report it if another process holds it, and wait."""

    def report() -> None:
        say(f"waiting for another process that is building {target.name}")

    target.parent.mkdir(parents=True, exist_ok=True)
    with files.locked(target.parent / f".{target.name}.lock", waiting=report):
        yield


def require_space(folder: Path, needed: int, what: str) -> None:
    """Raise BuildError if fewer than `needed` bytes are free at `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BuildError(
            f"{what} needs {megabytes(needed)}, but {folder} has {megabytes(free)} free: "
            "free disk space, or set KUBEADM_FLEET_CACHE to a folder on a larger disk"
        )
