"""scripts/node/serving.sh: a renewal, with stand-ins for the programs."""

import pytest

from tests.node.steps.disk import Disk

STAND_INS = """
NODE_ADDRESS=192.0.2.7 SERVING_PAIR=pair
lib_begin() { set -Eeuo pipefail; LIB_STARTED=$EPOCHREALTIME; }
systemctl() { echo "systemctl $*" >>"$STATE/calls"; }
shows_serving() { echo shown >>"$STATE/calls"; }
sync() { [[ $* != *serving.pem* ]] || echo synced >>"$STATE/calls"; }
"""


def renew(disk: Disk, state: str) -> list[str]:
    """Renew the certificate of a kubelet in this state; return what was done, in order."""
    ran = disk.run(f"{STAND_INS}service_state() {{ echo {state}; }}\nrenew_serving", "serving")
    assert ran.returncode == 0, ran.stderr
    assert (disk.folder / "var/lib/kubelet/pki/serving.pem").read_text() == "pair\n"
    return (disk.state / "calls").read_text().splitlines()


def test_a_kubelet_that_runs_is_not_restarted(disk: Disk) -> None:
    assert renew(disk, "active") == ["synced", "shown"]


@pytest.mark.parametrize("state", ["crash-looping", "failed", "inactive"])
def test_a_kubelet_that_does_not_run_is_started_and_does_not_hold_up_a_repair(
    disk: Disk, state: str
) -> None:
    """It may have another reason not to start, which is repaired after this."""
    assert renew(disk, state) == [
        "synced", "systemctl reset-failed kubelet", "systemctl restart kubelet",
    ]  # fmt: skip
