"""The documents of operations and of joins, with stand-ins for kubeadm, kubectl and the kubelet."""

import subprocess
from hashlib import sha256

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
UPLOADED = b"kubernetesVersion: v1.36.3\n"
NO_API = 'kubectl() { echo "no route to host" >&2; return 1; }\n'
API = """
named() { # NAME TEXT
  printf '%s %s\\n%s' "$1" "$(printf %s "$2" | sha256sum | cut -d ' ' -f 1)" "$2"
}
kubectl() {
  echo "$*" >>"$STATE/calls"
  case "$*" in
    *kubeadm-config*annotations*) named c1 text ;;
    *kubelet-config*annotations*) document_of_kubelet ;;
    *ClusterConfiguration*) echo 'kubernetesVersion: v1.36.3' ;;
    *data.kubelet*) printf 'maxPods: 77' ;;
  esac
}
"""
NAMED = "document_of_kubelet() { named k1 text; }\n"
# `kubeadm init` is just about to end; or the documents are replaced; or a person has edited them.
NAMED_MEANWHILE = """document_of_kubelet() {
  [[ -e $STATE/given ]] && named k1 text || printf ' \\ntext'; }
"""
REPLACED = """document_of_kubelet() {
  [[ -e $STATE/given ]] && named k2 b || named k1 a; }
"""
EDITED = """document_of_kubelet() { named k1 text; printf ' edited'; }
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
    cluster, kubelet = (sha256(text).hexdigest() for text in (UPLOADED, b"maxPods: 77"))
    assert named == [
        f"kubeadm-config kubeadm-fleet/document=c2 kubeadm-fleet/checksum={cluster}",
        f"kubelet-config kubeadm-fleet/document=k2 kubeadm-fleet/checksum={kubelet}",
    ]


@pytest.mark.parametrize(
    ("documents", "name"),
    [
        (API + NAMED, "k1"),
        (API + NAMED.replace("k1", "s2"), "k2"),
        (API + NAMED_MEANWHILE, "k1"),
        (API + REPLACED, "-"),
        (API + EDITED, "-"),
        (NO_API, "-"),
    ],
)
def test_a_new_member_records_what_it_joined_with(disk: Disk, documents: str, name: str) -> None:
    """Not what is configured now: the documents may have been those of a failed change."""
    settings = "ENDPOINT=192.0.2.1:6443 JOIN_CREDENTIAL=x JOIN_DOCUMENTS=y\n"
    others = "preflight_exceptions() { :; }; install_serving_pair() { :; }; name_ca_file() { :; }\n"
    call = f"{settings}{others}prepare_join\njoin\n"
    ended = run(disk, call, "worker", documents + KUBEADM)
    assert ended.returncode == 0, ended.stderr
    control, kubelet = (disk.state / "joined").read_text().split()
    assert (control, kubelet) == ("-" if documents == NO_API else "c1", name)


@pytest.mark.parametrize(("wanted", "control"), [("c2", "c1"), ("", "")])
def test_the_first_record_of_a_member_is_of_its_join(disk: Disk, wanted: str, control: str) -> None:
    disk.join()
    (disk.state / "joined").write_text("c1\nk1\n")
    kubelet = "kubelet_version() { echo v1.36.3; }\nwatched_facts() { fact file:/a 1; }\n"
    ended = run(disk, f"CONTROL={wanted}\nrecord_initial", "applied_state", kubelet)
    assert ended.returncode == 0, ended.stderr
    *lines, secret = (disk.state / "applied-state").read_text().splitlines()
    assert lines == [
        "version\tv1.36.3", f"control\t{control}", "kubelet\tk1", "recorded\tr2", "file:/a\t1",
    ]  # fmt: skip
    assert secret.startswith(f"secret:{disk.folder}/etc/kubernetes/kubelet.conf\t")
