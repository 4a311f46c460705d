"""scripts/node/control-plane.sh: the images with which a control plane joins."""

import pytest
import yaml

from model.render import kubeadm, kubeadm_patches
from tests.model.examples import CONTAINER, cluster
from tests.node.steps.disk import Disk

CLUSTER = cluster(CONTAINER)
STAND_INS = """
RUN=$STATE/run; mkdir -p "$RUN"
say() { echo "$*"; }
kubectl() { echo "kubernetesVersion: $RECORDED"; }
kubeadm() {
  echo "kubeadm $*" >>"$STATE/calls"
  case "$1 ${3:-}" in
    version*) echo v1.36.4 ;;
    *list) printf 'registry.example.com/k8s/%s:v1.36.4\\n' \\
      kube-{apiserver,controller-manager,scheduler,proxy} coredns/coredns pause etcd ;;
  esac
}
issue_leaves() { cp "$1" "$STATE/issued.yaml"; }
join() { cp "$RUN/join.yaml" "$STATE/joined.yaml"; }
for name in begin_membership await install_pki prepare_join record_membership; do
  eval "$name() { :; }"
done
set -Eeuo pipefail
"""


@pytest.fixture
def machine(disk: Disk) -> Disk:
    """A machine that is about to join."""
    (disk.state / "patches").mkdir()
    for name, text in kubeadm_patches.patches().items():
        (disk.state / "patches" / name).write_text(text)
    (disk.state / "run").mkdir()
    (disk.state / "init-configuration.yaml").write_text("kind: InitConfiguration\n")
    document = kubeadm.join_documents(CLUSTER, CLUSTER.control_planes[0])
    moved = document.replace("/var/lib", f"{disk.folder}/var/lib")
    (disk.state / "run/join.yaml").write_text(moved)
    return disk


def join(machine: Disk, recorded: str) -> dict[str, object]:
    """Return the documents with which kubeadm joins the machine."""
    settings = f"RECORDED={recorded} ENDPOINT=192.0.2.1:6443 ENDPOINT_DEADLINE=1\n"
    ended = machine.run(f"{settings}{STAND_INS}step_control_plane", "control-plane")
    assert ended.returncode == 0, ended.stderr
    document: dict[str, object] = yaml.safe_load((machine.state / "joined.yaml").read_text())
    return document


def test_images_of_the_cluster_version_are_used_where_it_is_the_machine_s(machine: Disk) -> None:
    before = (machine.state / "run/join.yaml").read_text()
    join(machine, "v1.36.4")
    assert (machine.state / "joined.yaml").read_text() == before
    assert "pull" not in (machine.state / "calls").read_text()


def test_certificates_are_issued_from_the_cluster_s_documents(machine: Disk) -> None:
    join(machine, "v1.36.4")
    documents = list(yaml.safe_load_all((machine.state / "issued.yaml").read_text()))
    assert documents == [{"kind": "InitConfiguration"}, {"kubernetesVersion": "v1.36.4"}]


def test_images_of_the_machine_are_used_while_the_cluster_is_of_another_patch_version(
    machine: Disk,
) -> None:
    """Without a registry the machine has no others."""
    document = join(machine, "v1.36.3")
    assert "images pull --kubernetes-version v1.36.4" in (machine.state / "calls").read_text()
    assert document["patches"] == {"directory": f"{machine.state}/run/patches"}
    registration = document["nodeRegistration"]
    assert isinstance(registration, dict)
    assert registration["imagePullPolicy"] == "Never"
    folder = machine.state / "run/patches"
    names = {file.name for file in folder.iterdir()}
    assert names == {
        *kubeadm_patches.patches(),
        *(f"{component}1+strategic.yaml" for component in kubeadm_patches.COMPONENTS),
    }
    for component in kubeadm_patches.COMPONENTS:
        (container,) = yaml.safe_load((folder / f"{component}1+strategic.yaml").read_text())[
            "spec"
        ]["containers"]
        image = f"registry.example.com/k8s/{component}:v1.36.4"
        assert container == {"name": component, "image": image}
