"""scripts/node/init.sh: when a machine initializes the cluster, with stand-ins for the programs."""

import yaml

from tests.node.steps.disk import MEMBERSHIP, Disk

STAND_INS = f"""
MEMBERSHIP='{MEMBERSHIP}' CA_CERTIFICATE=certificate ENDPOINT=192.0.2.1:6443
OTHER_CONTROL_PLANES= SERVING_PAIR=pair CONTROL=c1 KUBELET=k1 ENCRYPTION_WRITER="secretbox key-1"
lib_begin() {{ set -Eeuo pipefail; }}
open_run() {{ RUN=$STATE; }}
answers() {{ [[ -e $STATE/answers ]]; }}
install_pki() {{ :; }}
init_documents() {{ :; }}
issue_leaves() {{ :; }}
name_ca_file() {{ :; }}
preflight_exceptions() {{ :; }}
kubeadm() {{
  cp "$KUBELET_SERVING" "$STATE/served"
  echo "kubeadm $*" >>"$STATE/calls"
  touch "$STATE/initialized" "${{INIT_CONFIGURATION%/var/*}}/etc/kubernetes/super-admin.conf"
}}
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


def test_a_cluster_is_initialized_without_bootstrap_tokens(disk: Disk) -> None:
    """Before the machine counts as a member, since a repeated step does nothing on a member."""
    called = initialize(disk)
    assert called == ["kubeadm init", *5 * ["kubectl --kubeconfig"], "record_membership"]
    first, applied, *_ = (disk.state / "calls").read_text().splitlines()
    assert "--skip-phases bootstrap-token," in first
    assert "apply --server-side" in applied
    *bindings, record = yaml.safe_load_all((disk.state / "bindings.yaml").read_text())
    assert record["data"] == {"writer": "secretbox key-1"}
    assert [binding["subjects"][0]["name"] for binding in bindings] == [
        "system:nodes", "kube-apiserver-kubelet-client",
    ]  # fmt: skip
    assert not (disk.folder / "etc/kubernetes/super-admin.conf").exists()
    assert (disk.state / "joined").read_text() == "c1\nk1\n"


def test_the_kubelet_finds_its_serving_pair_when_kubeadm_starts_it(disk: Disk) -> None:
    initialize(disk)
    assert (disk.state / "served").read_text() == "pair\n"
    path = disk.folder / "var/lib/kubelet/pki/serving.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parents[1].stat().st_mode & 0o777 == 0o700


def test_a_first_machine_that_joined_later_is_left_alone(disk: Disk) -> None:
    """It has no kubeconfig of the kind that `kubeadm init` writes."""
    disk.join()
    assert initialize(disk) == []


def test_a_new_first_machine_of_a_running_cluster_is_left_to_its_join(disk: Disk) -> None:
    (disk.state / "answers").touch()
    assert initialize(disk) == []
