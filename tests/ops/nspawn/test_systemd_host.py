"""Container machines on a host whose PID 1 is systemd.

The machine sees this checkout, its Python and the image cache, and runs the tests of this folder.
"""

import sys
import sysconfig
from pathlib import Path

import pytest

from model import paths
from ops.nspawn import process
from ops.nspawn.spec import MachineSpec
from tests.ops.nspawn.fleet import Outs, TestFleet

pytestmark = [pytest.mark.root, pytest.mark.slow]

TOP = Path(paths.__file__).parents[1]
# What a host needs and a machine does not have; both are the same release of Debian.
TOOLS = ("/usr/bin/systemd-nspawn",)
GIB = 1 << 30


def interpreter() -> set[Path]:
    """What runs this test: of a system's own Python without the rest of /usr, which is not for it.

    The machine has a /usr of its own, with the programs that make it a place for Kubernetes.
    """
    base = Path(sys.base_prefix)
    if base != Path("/usr"):
        return {base}
    command = base / "bin" / "python3"
    return {Path(sysconfig.get_path("stdlib")), command, command.resolve()}


def test_machines_on_a_host_with_systemd(
    fleet: TestFleet, network: Outs, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = process._nspawn
    shared = (TOP, *interpreter(), paths.cache_dir(), *map(Path, TOOLS))

    def nspawn(spec: MachineSpec, root: Path) -> list[str]:
        return [*plain(spec, root), *(f"--bind={folder}" for folder in shared)]

    monkeypatch.setattr(process, "_nspawn", nspawn)
    machine = fleet.make(network, cpus=2, memory=4 * GIB)
    # systemd looks once at which cgroups it may limit; nspawn had them read-only until just now.
    fleet.run(machine, "systemctl daemon-reexec")
    tests = "test_machine.py test_failures.py test_network.py"
    printed = fleet.run(
        machine,
        f"cd {TOP}/tests/ops/nspawn && KUBEADM_FLEET_CACHE={paths.cache_dir()} timeout 300 "
        f"{sys.executable} -B -m pytest -p no:cacheprovider -q {tests} 2>&1; true",
        seconds=320,
    )
    print(printed)
    assert " passed" in printed.splitlines()[-1], printed
    assert "failed" not in printed.splitlines()[-1], printed
