"""The image builder as a user runs it."""

import os
import subprocess
import sys
from pathlib import Path

from model import paths
from tests.ops.nspawn.fleet import VERSION

TOP = Path(paths.__file__).parents[1]
COMMAND = (sys.executable, "-u", "-m", "scripts.build.image", "--version", VERSION)


def environment(cache: Path) -> dict[str, str]:
    """The maker's environment, with another cache."""
    return {**os.environ, "KUBEADM_FLEET_CACHE": str(cache)}


def make_image(cache: Path | None = None) -> str:
    """Make the image, in the cache of this host or in another; return what was printed."""
    return subprocess.run(
        COMMAND,
        cwd=TOP,
        env=environment(cache or paths.cache_dir()),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
