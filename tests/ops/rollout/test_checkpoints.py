"""Settings that the kubelet refuses while it has a record of the former ones."""

from pathlib import Path

import pytest

from model.config.kubelet_fields import FIELDS
from ops.rollout import checkpoints
from ops.rollout.checkpoints import RECORDED, SETTING
from tests.node.steps.disk import Disk
from tests.ops.rollout.examples import KUBELET, inputs, plan
from tests.ops.rollout.fakes import FakeFleet, alike, run

CPU, MEMORY = "cpu_manager_state", "memory_manager_state"
RESERVED = 'cpuManagerPolicy: static\nkubeReserved:\n  cpu: 500m\nreservedSystemCPUs: "0"\n'
STATIC = "memoryManagerPolicy: Static\nevictionHard:\n  memory.available: 100Mi\n"


def test_they_are_applied_to_a_drained_node() -> None:
    fleet = FakeFleet(inputs(kubelet_document=f"{KUBELET}{RESERVED}"), alike(inputs()))
    assert run(fleet)
    for name in fleet.props["machines"]:
        steps = fleet.of(name)
        assert steps.index("cordon") < steps.index("drain") < steps.index("apply_kubelet")
        assert steps.count("apply_kubelet") == 1
    assert not run(fleet)


def test_the_preview_says_so() -> None:
    planned = plan(inputs(), inputs(kubelet_document=f"{KUBELET}{RESERVED}"), {})
    assert planned["a-worker-0"].startswith("new kubelet settings (cpuManagerPolicy, ")
    assert (
        "drained, kubelet restarted without its record of CPUs or memory" in planned["a-worker-0"]
    )
    assert "pods keep running" not in planned["a-worker-0"]


@pytest.mark.parametrize(
    ("old", "new", "outdated"),
    [
        ("", "maxPods: 5\n", []),
        ("", RESERVED, [CPU]),
        (RESERVED, "", [CPU]),
        (RESERVED, RESERVED + "maxPods: 5\n", []),
        (RESERVED, RESERVED.replace("500m", "600m"), [CPU]),
        (RESERVED, RESERVED.replace('"0"', "0-1"), [CPU]),
        ("kubeReserved:\n  cpu: 500m\n", "kubeReserved:\n  cpu: 600m\n", []),
        ("", STATIC, [MEMORY]),
        (STATIC, STATIC.replace("100Mi", "200Mi"), [MEMORY]),
        (RESERVED + STATIC, RESERVED.replace("500m", "600m") + STATIC, [CPU, MEMORY]),
        ("topologyManagerPolicy: none\n", "topologyManagerPolicy: restricted\n", []),
    ],
)
def test_program_and_machine_agree_on_what_is_outdated(
    disk: Disk, tmp_path: Path, old: str, new: str, outdated: list[str]
) -> None:
    assert (checkpoints.digest(old) != checkpoints.digest(new)) == bool(outdated)
    for name, text in (("old", old), ("new", new)):
        (tmp_path / name).write_text(f"apiVersion: v1beta1\n{text}volumeStatsAggPeriod: 0s\n")
    call = f"KUBELET_RECORDS='{SETTING}'\noutdated_checkpoints {tmp_path}/old {tmp_path}/new"
    ran = disk.run(f"set -Eeuo pipefail\n{call}", "checkpoints")
    assert (ran.returncode, ran.stdout.split()) == (0, outdated), ran.stderr


def test_all_fields_can_be_set() -> None:
    assert {field for fields in RECORDED.values() for field in fields} <= set(FIELDS)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "disk")
