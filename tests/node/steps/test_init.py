"""scripts/node/init.sh: when a machine initializes the cluster, with stand-ins for the programs."""

from tests.node.steps.disk import MEMBERSHIP, Disk

STAND_INS = f"""
MEMBERSHIP='{MEMBERSHIP}' CA_CERTIFICATE=certificate ENDPOINT=192.0.2.1:6443
OTHER_CONTROL_PLANES= CONTROL=c1 KUBELET=k1
lib_begin() {{ set -Eeuo pipefail; }}
open_run() {{ RUN=$STATE; }}
answers() {{ [[ -e $STATE/answers ]]; }}
install_pki() {{ :; }}
init_documents() {{ :; }}
preflight_exceptions() {{ :; }}
kubeadm() {{ echo "kubeadm $1" >>"$STATE/calls"; touch "$STATE/initialized"; }}
kubectl() {{ echo "kubectl $*" >>"$STATE/calls"; [[ -e $STATE/initialized ]]; }}
record_membership() {{ echo record_membership >>"$STATE/calls"; }}
say() {{ echo "$*"; }}
"""


def initialize(disk: Disk) -> list[str]:
    """Run the step; return the programs that it called, without arguments that do not matter."""
    ended = disk.run(f"{STAND_INS}\nstep_init", "init")
    assert ended.returncode == 0, ended.stderr
    calls = disk.state / "calls"
    lines = calls.read_text().splitlines() if calls.exists() else []
    return [" ".join(line.split()[:2]) for line in lines]


def test_bootstrap_tokens_are_deleted_before_the_machine_counts_as_a_member(disk: Disk) -> None:
    called = initialize(disk)
    assert called == ["kubeadm init", *5 * ["kubectl --kubeconfig"], "record_membership"]
    assert (disk.state / "joined").read_text() == "c1\nk1\n"


def test_a_first_machine_that_joined_later_is_left_alone(disk: Disk) -> None:
    """It has no kubeconfig of the kind that `kubeadm init` writes."""
    disk.join()
    assert initialize(disk) == []


def test_a_new_first_machine_of_a_running_cluster_is_left_to_its_join(disk: Disk) -> None:
    (disk.state / "answers").touch()
    assert initialize(disk) == []
