"""The documents of operations and of joins, with stand-ins for kubeadm, kubectl and the kubelet."""

import subprocess

import pytest

from tests.node.steps.disk import Disk

SETTINGS = """
NODE_ADDRESS=192.0.2.1 KUBERNETES_VERSION=v1.37.2
CONTROL=c2 KUBELET=k2 SHARED_KUBELET=s2 RECORDED=r2
CLUSTER_CONFIGURATION=$'kubernetesVersion: v1.37.2\\ncertificatesDir: /etc/pki\\ncluster: sent'
KUBELET_CONFIGURATION='maxPods: 77'
RUN=$STATE/run; mkdir -p "$RUN"
lib_begin() { set -Eeuo pipefail; }
open_run() { :; }
say() { :; }
wanted_program() { echo kubeadm; }
"""
NO_API = 'kubectl() { echo "no route to host" >&2; return 1; }\n'
API = """
kubectl() {
  echo "$*" >>"$STATE/calls"
  case "$*" in
    *ClusterConfiguration*) echo 'kubernetesVersion: v1.36.3' ;;
    *kubeadm-config*annotations*) printf 'c1\\nmap[]' ;;
    *kubelet-config*annotations*) document_of_kubelet ;;
  esac
}
"""
NAMED = "document_of_kubelet() { printf 'k1\\nmap[]'; }\n"
# `kubeadm init` is just about to end; or the documents are replaced.
NAMED_MEANWHILE = """document_of_kubelet() {
  [[ -e $STATE/given ]] && echo k1 || echo; echo 'map[]'; }
"""
REPLACED = """document_of_kubelet() {
  [[ -e $STATE/given ]] && printf 'k2\\nmap[b:]' || printf 'k1\\nmap[a:]'; }
"""
KUBEADM = 'kubeadm() { cp "${!#}" "$STATE/given"; mkdir -p "${KUBEADM_INIT_DRYRUN_DIR:=$RUN}"; }\n'


def run(disk: Disk, call: str, script: str, stand_ins: str) -> "subprocess.CompletedProcess[str]":
    return disk.run(f"{SETTINGS}{stand_ins}set -Eeuo pipefail\n{call}", script)


def test_what_is_sent_is_applied_and_the_cluster_is_not_asked(disk: Disk) -> None:
    """Its documents may be those of another change, or out of reach."""
    (disk.state / "init-configuration.yaml").write_text("kind: InitConfiguration\n")
    for call, expected in (
        ("control_plane_documents", "cluster: sent"),
        ("kubelet_documents /run/pki", "maxPods: 77"),
    ):
        ended = run(disk, call, "upgrade", NO_API)
        assert ended.returncode == 0, ended.stderr
        assert expected in ended.stdout
        assert "kubernetesVersion: v1.37.2\n" in ended.stdout
    assert "certificatesDir: /run/pki\n" in ended.stdout
    assert "certificatesDir: /etc/pki\n" not in ended.stdout


def test_a_failing_api_fails_an_upload(disk: Disk) -> None:
    ended = run(disk, "upload_configuration", "upgrade", NO_API + KUBEADM)
    assert ended.returncode == 1
    assert "kubeadm-config cannot be read: no route to host" in ended.stderr
    assert not (disk.state / "given").exists()


def test_documents_are_uploaded_with_the_recorded_version_and_named(disk: Disk) -> None:
    (disk.state / "init-configuration.yaml").write_text("kind: InitConfiguration\n")
    ended = run(disk, "upload_configuration", "upgrade", API + KUBEADM)
    assert ended.returncode == 0, ended.stderr
    given = (disk.state / "given").read_text()
    assert "kubernetesVersion: v1.36.3\n" in given
    assert "cluster: sent\n---\nmaxPods: 77\n" in given
    calls = (disk.state / "calls").read_text().splitlines()
    named = [call.split("configmap ")[1] for call in calls if " annotate " in call]
    assert named == [
        "kubeadm-config kubeadm-fleet/document=c2",
        "kubelet-config kubeadm-fleet/document=k2",
    ]


@pytest.mark.parametrize(
    ("documents", "name"),
    [
        (API + NAMED, "k1"),
        (API + NAMED.replace("k1", "s2"), "k2"),
        (API + NAMED_MEANWHILE, "k1"),
        (API + REPLACED, "-"),
        (NO_API, "-"),
    ],
)
def test_a_new_member_records_what_it_joined_with(disk: Disk, documents: str, name: str) -> None:
    """Not what is configured now: the documents may have been those of a failed change."""
    settings = "ENDPOINT=192.0.2.1:6443 JOIN_CREDENTIAL=x JOIN_DOCUMENTS=y\n"
    call = f"{settings}preflight_exceptions() {{ :; }}\nprepare_join\njoin\n"
    ended = run(disk, call, "worker", documents + KUBEADM)
    assert ended.returncode == 0, ended.stderr
    control, kubelet = (disk.state / "joined").read_text().split()
    assert (control, kubelet) == ("-" if documents == NO_API else "c1", name)


@pytest.mark.parametrize(("wanted", "control"), [("c2", "c1"), ("", "")])
def test_the_first_record_of_a_member_is_of_its_join(disk: Disk, wanted: str, control: str) -> None:
    disk.join()
    (disk.state / "joined").write_text("c1\nk1\n")
    kubelet = 'kubelet() { echo "Kubernetes v1.36.3"; }\nnode_facts() { fact file:/a 1; }\n'
    ended = run(disk, f"CONTROL={wanted}\nrecord_initial", "applied_state", kubelet)
    assert ended.returncode == 0, ended.stderr
    assert (disk.state / "applied-state").read_text() == (
        f"version\tv1.36.3\ncontrol\t{control}\nkubelet\tk1\nrecorded\tr2\nfile:/a\t1\n"
    )
