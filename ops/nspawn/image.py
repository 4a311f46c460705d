"""The images of this host's machines: in the cache, and kept beside the machines.

A machine's disk needs its image as long as the machine exists, but the image is built in the
cache, which may be deleted at any time. So the first machine with an image links the image's files
to a folder beside the machines, and the last one removes that folder.
"""

import platform
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from model import paths
from model.artifacts.bundle import Bundle, BundleError
from model.files import locked, remove, replacing
from model.machine_image import image_name
from ops.errors import OperatorError
from ops.nspawn.command import run, succeeds
from ops.nspawn.spec import MachineSpec, all_specs

LOCK = Path("/run/kubeadm-fleet-images.lock")


def cached(kubernetes_version: str, supplements: Iterable[str] = ()) -> Path:
    """Return the image that this checkout makes of this host's bundle of a version.

    It has the files of these supplements, too. The image of another recipe, or of a former bundle,
    is not used for a new machine.
    """
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    try:
        name = image_name(codename, Bundle.of(kubernetes_version, supplements=supplements))
    except BundleError as error:
        raise OperatorError(str(error)) from None
    folder = paths.image_dir(name)
    if not folder.is_dir():
        raise OperatorError(
            f"there is no machine image for Kubernetes {kubernetes_version} at {folder}: "
            "run `make image` as root"
        )
    return folder


def held(spec: MachineSpec) -> Path:
    """Return the folder of the machine's image."""
    return _folder() / Path(spec.image).name


def hold(spec: MachineSpec) -> Path:
    """Keep the image of a machine whose specification is written; return its folder."""
    with locked(LOCK):
        target = held(spec)
        if not target.is_dir():
            # For root only, like the machines: an image has programs that run as root.
            _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
            with replacing(target) as part:
                link_tree(Path(spec.image), part)
        return target


def release() -> None:
    """Remove the images that no machine on this host has any more."""
    with locked(LOCK), suppress(FileNotFoundError):
        needed = {held(spec) for spec in all_specs()}
        for image in _folder().iterdir():
            if image not in needed:
                remove(image)
        with suppress(OSError):  # It holds images of other machines.
            _folder().rmdir()


def link_tree(source: Path, target: Path) -> None:
    """Copy a folder as hard links, or as copies across file systems."""
    if not succeeds("cp", "--archive", "--link", str(source), str(target)):
        shutil.rmtree(target, ignore_errors=True)
        run("cp", "--archive", "--reflink=auto", str(source), str(target))


def _folder() -> Path:
    return paths.machines_dir() / ".images"
