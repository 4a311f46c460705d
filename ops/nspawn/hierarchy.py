"""The cgroup hierarchies of this host, and a process's position in each.

Read from /proc/<pid>/cgroup and mountinfo (cgroups(7)), never assumed: a host has cgroup v1, v2, or
both ("hybrid": the controllers in v1, an empty v2 tree beside them).
"""

from dataclasses import dataclass
from pathlib import Path

# Where the callers of a container's own tree move to (see cgroup.py); they still count as its root.
CALLERS = "kubeadm-fleet-callers"


@dataclass(frozen=True)
class Hierarchy:
    """A hierarchy mounted at `mount`; `own` is the process's cgroup in it.

    `unified` says that it is cgroup v2, `hybrid` that v1 hierarchies exist beside it.
    """

    mount: Path
    own: Path
    unified: bool
    hybrid: bool


def hierarchies(proc: Path) -> list[Hierarchy]:
    """Return the hierarchies that the process of `proc` ("/proc/self") is in and can see."""
    paths = _paths(proc)
    mounts = _mounts(proc)
    hybrid = any(controllers != [""] for _mount, _root, controllers in mounts)
    found: dict[Path, Hierarchy] = {}
    for mount, root, controllers in mounts:
        path = next((paths[controller] for controller in controllers if controller in paths), None)
        if path is None or (root != "/" and path != root and not path.startswith(f"{root}/")):
            continue
        # Without a cgroup namespace a container sees a mount of its own part of the tree only.
        inside = path.removeprefix(root) if root != "/" else path
        own = mount / inside.lstrip("/")
        own = own.parent if own.name == CALLERS else own
        found.setdefault(mount, Hierarchy(mount, own, controllers == [""], hybrid))
    return list(found.values())


def _paths(proc: Path) -> dict[str, str]:
    """The process's cgroup by controller; the controller of cgroup v2 is ''."""
    paths: dict[str, str] = {}
    for line in (proc / "cgroup").read_text().splitlines():
        _number, controllers, path = line.split(":", 2)
        paths.update((controller, path) for controller in controllers.split(","))
    return paths


def _mounts(proc: Path) -> list[tuple[Path, str, list[str]]]:
    """Where hierarchies are mounted, which part of the tree, and with which controllers."""
    found = []
    for line in (proc / "mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        kind, _source, options = right.split(" ", 2)
        _id, _parent, _device, root, mount, *_ = left.split()
        if kind == "cgroup2":
            found.append((Path(mount), root, [""]))
        elif kind == "cgroup":
            found.append((Path(mount), root, options.split(",")))
    return found
