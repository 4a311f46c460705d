"""The build cache: compiled packages, kept only while something is being built.

Every build holds a shared lock on it; the last one to finish removes it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model import paths
from model.files import locked, remove, try_lock

KEEP = "KUBEADM_FLEET_KEEP_BUILD_CACHE"


def folder() -> Path:
    """The folder of the cache."""
    return paths.cache_dir() / "build"


@contextmanager
def building() -> Iterator[None]:
    """Hold a shared lock while the block runs; remove the cache unless another build uses it.

    A block that fails leaves the cache for a retry. With KUBEADM_FLEET_KEEP_BUILD_CACHE=1 in the
    environment, nothing is removed.
    """
    folder().mkdir(parents=True, exist_ok=True)
    with locked(folder().parent / ".build.lock", shared=True) as lock:
        yield
        if os.environ.get(KEEP) != "1" and try_lock(lock):
            remove(folder())
