"""scripts/node/worker.sh: when a worker joins, with stand-ins for the programs."""

import pytest

from tests.node.steps.disk import Disk

# The API returns what is a file of this name.
STAND_INS = """
ENDPOINT=192.0.2.1:6443 JOIN_CREDENTIAL=pem ENDPOINT_DEADLINE=0
RUN=$STATE
begin_membership() { set -Eeuo pipefail; LIB_STARTED=$EPOCHREALTIME; }
answers() { [[ -e $STATE/${1##*/} && "$*" == *" 200 --cert $STATE/client.pem" ]]; }
join() { touch "$STATE/node"; echo joined >>"$STATE/calls"; }
for name in reset_partial_join prepare_join record_membership; do
  eval "$name() { :; }"
done
"""


@pytest.mark.parametrize(
    ("readable", "joins"),
    [
        (("kubeadm-config", "kubelet-config"), True),
        (("kubeadm-config",), False),
        (("node",), False),
    ],
)
def test_a_worker_waits_for_what_it_joins_with(
    disk: Disk, readable: tuple[str, ...], joins: bool
) -> None:
    for name in readable:
        (disk.state / name).touch()
    ended = disk.run(f"{STAND_INS}step_worker", "worker")
    assert (ended.returncode == 0) == joins, ended.stderr
    assert (disk.state / "calls").exists() == joins
