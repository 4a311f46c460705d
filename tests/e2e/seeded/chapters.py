"""All kinds of faults, by chapter: each is planted in clusters of its own run."""

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
