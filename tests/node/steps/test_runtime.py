"""scripts/node/runtime.sh: images that a machine pulls itself, with a stand-in for containerd."""

import pytest

from tests.node.steps.disk import Disk

STAND_INS = """
LIB_STARTED=$EPOCHREALTIME KUBERNETES_VERSION=v1.37.2
kubeadm() { printf 'registry.example.com/%s\\n' etcd:3.7.0 kube-proxy:v1.37.2 pause:3.10; }
wanted_program() { echo kubeadm; }
ctr() {
  case $* in
    *list*) echo registry.example.com/pause:3.10 ;;
    *pull*) echo "${@: -2}" >>"$STATE/pulled"; [[ $* != *kube-proxy* || -z ${REFUSED:-} ]] ;;
  esac
}
set -Eeuo pipefail
"""
PINNED = "io.cri-containerd.pinned=pinned"
ETCD, PROXY = "registry.example.com/etcd:3.7.0", "registry.example.com/kube-proxy:v1.37.2"


@pytest.mark.parametrize(
    ("role", "pulled"), [("worker", [PROXY]), ("control-plane", [ETCD, PROXY])]
)
def test_missing_images_of_the_role_are_pulled_and_pinned(
    disk: Disk, role: str, pulled: list[str]
) -> None:
    """A machine without a registry could not get them again after a garbage collection."""
    ran = disk.run(f"ROLE={role}\n{STAND_INS}pull_images", "runtime")
    assert ran.returncode == 0, ran.stderr
    calls = sorted((disk.state / "pulled").read_text().splitlines())
    assert calls == [f"{PINNED} {reference}" for reference in pulled]
    recorded = (disk.state / "images").read_text().splitlines()
    assert recorded == [f"{reference}\tpulled" for reference in pulled]


def test_an_image_that_cannot_be_pulled_is_named(disk: Disk) -> None:
    ran = disk.run(f"ROLE=control-plane REFUSED=yes\n{STAND_INS}pull_images", "runtime")
    assert ran.returncode == 1
    assert f"image pulls failed (details above): {PROXY}\n" in ran.stderr
