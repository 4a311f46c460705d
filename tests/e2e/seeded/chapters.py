"""All kinds of faults, by chapter: each is planted in clusters of its own run.

KUBEADM_FLEET_FAULTS, a regular expression, chooses some of them by their names.
"""

import os
import re

from tests.e2e.seeded import control_plane, files, kernel, leaves, objects, services
from tests.e2e.seeded.fault import Fault

CHAPTERS: dict[str, tuple[Fault, ...]] = {
    "files": files.FAULTS,
    "services": services.FAULTS,
    "kernel": kernel.FAULTS,
    "objects": objects.FAULTS,
    "leaves": leaves.FAULTS,
    "control-plane": control_plane.FAULTS,
}
CHOSEN = re.compile(os.environ.get("KUBEADM_FLEET_FAULTS", ""))


def chosen() -> dict[str, tuple[Fault, ...]]:
    """Return the chosen kinds, by chapter; a chapter without any is omitted."""
    found = {
        name: tuple(fault for fault in faults if CHOSEN.search(fault.name))
        for name, faults in CHAPTERS.items()
    }
    return {name: faults for name, faults in found.items() if faults}
