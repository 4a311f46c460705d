"""The cgroup hierarchies of a host, from the content of its /proc."""

from pathlib import Path

import pytest

from ops.errors import OperatorError
from ops.nspawn.cgroup import Cgroups
from ops.nspawn.hierarchy import hierarchies

V1 = """\
30 29 0:26 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw
31 29 0:27 / /sys/fs/cgroup/systemd rw,nosuid - cgroup cgroup rw,xattr,name=systemd
32 29 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct
33 29 0:29 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory
34 29 0:30 / /sys/kernel/debug rw - debugfs debugfs rw
"""
V1_CGROUP = """\
3:memory:/jobs/7
2:cpu,cpuacct:/
1:name=systemd:/user.slice
0::/user.slice
"""
V2 = "30 29 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A process as the kernel shows it."""
    return tmp_path


def describe(proc: Path, mountinfo: str, cgroup: str) -> None:
    (proc / "mountinfo").write_text(mountinfo)
    (proc / "cgroup").write_text(cgroup)


def test_on_v1_a_machine_is_below_its_caller_in_every_hierarchy(proc: Path) -> None:
    describe(proc, V1, V1_CGROUP)
    assert {str(folder) for folder in Cgroups.below_caller("m", proc).folders} == {
        "/sys/fs/cgroup/unified/user.slice/m",
        "/sys/fs/cgroup/systemd/user.slice/m",
        "/sys/fs/cgroup/cpu,cpuacct/m",
        "/sys/fs/cgroup/memory/jobs/7/m",
    }
    assert all(each.hybrid for each in hierarchies(proc))


def test_on_v2_there_is_one_hierarchy(proc: Path) -> None:
    describe(proc, V2, "0::/user.slice/session-1.scope\n")
    (only,) = hierarchies(proc)
    assert only.own == Path("/sys/fs/cgroup/user.slice/session-1.scope")
    assert only.unified
    assert not only.hybrid


def test_a_container_with_a_partial_view_of_the_tree(proc: Path) -> None:
    """Docker without a cgroup namespace mounts its own part, and /proc names the full path."""
    mount = "33 29 0:29 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    describe(proc, mount, "3:memory:/docker/abc/inner\n")
    assert [each.own for each in hierarchies(proc)] == [Path("/sys/fs/cgroup/memory/inner")]
    describe(proc, mount, "3:memory:/elsewhere\n")
    assert hierarchies(proc) == []


def test_callers_moved_into_a_leaf_use_its_parent(proc: Path) -> None:
    describe(proc, V2, "0::/kubeadm-fleet-callers\n")
    assert [each.own for each in hierarchies(proc)] == [Path("/sys/fs/cgroup")]


def test_a_child_of_v2_gets_controllers_and_limits(proc: Path, tmp_path: Path) -> None:
    """With plain files in place of the kernel's: what would be written where."""
    tree = tmp_path / "tree"
    own = tree / "delegated"
    own.mkdir(parents=True)
    (own / "cgroup.controllers").write_text("cpuset cpu io memory pids rdma\n")
    (own / "cgroup.subtree_control").write_text("memory\n")
    describe(proc, V2.replace("/sys/fs/cgroup", str(tree)), "0::/delegated\n")
    cgroups = Cgroups.below_caller("m", proc)
    cgroups.create(proc)
    assert (own / "cgroup.subtree_control").read_text() == "+cpu +cpuset +io +pids"
    for name in ("cpu.max", "memory.max"):
        (own / "m" / name).touch()  # which the kernel makes
    cgroups.limit(1.5, 1 << 30)
    assert (own / "m" / "cpu.max").read_text() == "150000 100000"
    assert (own / "m" / "memory.max").read_text() == str(1 << 30)
    (own / "m" / "memory.max").unlink()
    (own / "m" / "memory.max").mkdir()  # which takes no value, as the kernel refuses some
    with pytest.raises(OperatorError, match="limit must be above its current use"):
        cgroups.limit(1.5, 1 << 20)
    assert Cgroups.find("m", proc).folders == (own / "m",)
