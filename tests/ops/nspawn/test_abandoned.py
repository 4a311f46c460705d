"""Leftovers of a killed test run are removed by the next one."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from model import paths
from ops.nspawn.spec import short
from scripts.bench.subnet import subnet
from tests.ops.nspawn import host
from tests.tmp_machines import workshop

pytestmark = pytest.mark.root

KILLED = """
import json, os, signal
from tests.ops.nspawn.fleet import TestFleet
from scripts.bench.subnet import subnet
from tests.tmp_machines import workshop

with workshop() as folder, subnet(88) as own:
    os.environ["KUBEADM_FLEET_MACHINES"] = str(folder)
    fleet = TestFleet(folder, str(own[0]).removesuffix(".0"))
    network = fleet.make_network()
    fleet.make(network)
    print(json.dumps([str(folder), fleet.owner, network["bridge"]]), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_machines_of_a_killed_run_are_removed_by_the_next(image: Path) -> None:
    run = subprocess.run([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True)
    assert run.returncode == -signal.SIGKILL
    folder, owner, bridge = json.loads(run.stdout)
    kinds = {kind for kind, names in host.parts(folder, short(owner), bridge).items() if names}
    assert {"processes", "mounts", "namespaces", "links", "cgroups"} <= kinds
    with workshop():
        left = host.parts(folder, short(owner), bridge)
        assert not any(left.values()), left
        assert not Path(folder).exists()


def test_the_folder_of_a_running_test_stays() -> None:
    with workshop() as mine, workshop() as other:
        assert mine.exists()
        assert mine != other
        assert mine.parent == paths.cache_dir() / "tests"


def test_two_tests_have_different_subnets() -> None:
    with subnet(88) as mine, subnet(88) as other:
        assert mine != other
        assert not mine.overlaps(other)
