"""What building leaves behind on the disk: compiled packages, of use only while something is built.

Everything that builds holds a share of it. Whoever is the last to finish removes it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model import paths
from scripts.build.cache_entry import remove

KEEP = "KUBEADM_FLEET_KEEP_BUILD_CACHE"


def folder() -> Path:
    """Where it lies."""
    return paths.cache_dir() / "build"


@contextmanager
def building() -> Iterator[None]:
    """Hold a share while the block runs; when it succeeds, remove what nobody else holds.

    A block that fails leaves everything for the next try. With KUBEADM_FLEET_KEEP_BUILD_CACHE=1
    in the environment nothing is removed.
    """
    folder().mkdir(parents=True, exist_ok=True)
    with (folder().parent / ".build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield
        if os.environ.get(KEEP) == "1":
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        remove(folder())
