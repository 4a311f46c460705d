"""scripts/node/prepare.sh: which files a machine gets from it, with stand-ins for the rest."""

import pytest

from model.render.machine_files import PARTS
from tests.node.steps.disk import Disk

STAND_INS = """
lib_begin() { set -Eeuo pipefail; }
say() { :; }
ensure_host_entry() { :; }
find_table() { DESIRED=/dev/null; }
is_installed() { true; }
start_runtime() { :; }
claim_vip() { :; }
apply_parts() { echo "$2"; }
"""


@pytest.mark.parametrize(
    ("vip", "answers", "left_out"),
    [("", "true", ()), ("10.0.0.9", "false", ()), ("10.0.0.9", "true", ("load-balancer",))],
)
def test_the_load_balancer_of_an_existing_cluster_is_left_to_the_rollout(
    disk: Disk, vip: str, answers: str, left_out: tuple[str, ...]
) -> None:
    call = f"VIP={vip}; endpoint_exists() {{ {answers}; }}; step_prepare"
    ran = disk.run(f"{STAND_INS}{call}", "prepare")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == [part for part in PARTS if part not in left_out]


def test_a_member_gets_no_files(disk: Disk) -> None:
    disk.join()
    ran = disk.run(f"{STAND_INS}step_prepare", "prepare")
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
