"""The image builder as a user runs it."""

import os
import subprocess
import sys
from pathlib import Path

from model import paths, pins

TOP = Path(paths.__file__).parents[1]
VERSION = "v1.36.3"
# The image of clusters with the default settings: no other one is made for the tests.
SUPPLEMENTS = tuple(sorted(pins.SUPPLEMENTS))
COMMAND = (
    *(sys.executable, "-u", "-m", "scripts.build.image", "--version", VERSION),
    *(part for name in SUPPLEMENTS for part in ("--supplement", name)),
)


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
