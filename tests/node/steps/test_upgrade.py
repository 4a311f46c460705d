"""scripts/node/upgrade.sh: operations on a member, with stand-ins for kubeadm and containerd."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.node.steps.disk import Disk

SETTINGS = """
NODE_ADDRESS=192.0.2.1 KUBERNETES_VERSION=v1.37.2
CLUSTER_CONFIGURATION=$'kubernetesVersion: v1.37.2\\ncertificatesDir: /nowhere\\nsans: DNS:new'
KUBELET_CONFIGURATION='maxPods: 77'
RUN=$STATE/run; mkdir -p "$RUN"
lib_begin() { set -Eeuo pipefail; LIB_STARTED=$EPOCHREALTIME; }
open_run() { :; }
finish_change() { :; }
end_operation() { :; }
require_staged() { :; }
recorded_version() { echo v1.36.3; }
wanted_program() { echo kubeadm; }
"""
# A certificate with the names of the document, in the document's folder.
CERTS = """
plan_manifests() { :; }
preflight_exceptions() { :; }
shows_certificate() { true; }
kubeadm() {
  local document=${!#} folder names
  folder=$(awk '$1 == "certificatesDir:" {print $2}' "$document")
  names=$(awk '$1 == "sans:" {print $2}' "$document")
  openssl req -x509 -newkey rsa:2048 -noenc -subj /CN=kube-apiserver \
    -addext "subjectAltName=$names" -keyout "$folder/apiserver.key" -out "$folder/apiserver.crt"
}
"""


def run(
    disk: Disk, call: str, stand_ins: str, script: str = "upgrade"
) -> "subprocess.CompletedProcess[str]":
    ended = disk.run(f"{SETTINGS}{stand_ins}set -Eeuo pipefail\n{call}", script)
    assert ended.returncode == 0, ended.stderr
    return ended


@pytest.fixture
def pki(disk: Disk) -> Path:
    """The certificates of a control plane whose API server has one name."""
    folder = disk.folder / "etc/kubernetes/pki"
    folder.mkdir()
    (disk.state / "init-configuration.yaml").write_text("kind: InitConfiguration\n")
    (disk.state / "run").mkdir()
    former = 'sed "s/DNS:new/DNS:old/; s%/nowhere%$RUN%" <<<"$CLUSTER_CONFIGURATION" >$RUN/former'
    run(disk, f"{former}; kubeadm $RUN/former", CERTS)
    for kind in ("crt", "key"):
        shutil.copy(disk.state / f"run/apiserver.{kind}", folder)
    return folder


def names(pki: Path) -> str:
    certificate = str(pki / "apiserver.crt")
    command = ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", certificate]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return shown.splitlines()[-1].strip()


def test_names_of_the_api_server_reach_its_certificate(disk: Disk, pki: Path) -> None:
    assert names(pki) == "DNS:old"
    run(disk, "apply_control_plane", CERTS)
    assert names(pki) == "DNS:new"
    certificate, key = ((pki / f"apiserver.{kind}").read_text() for kind in ("crt", "key"))
    run(disk, "apply_control_plane", CERTS)
    assert (pki / "apiserver.crt").read_text() == certificate, "the names are the same"
    assert (pki / "apiserver.key").read_text() == key


REPAIRED = """
restore_parts() { :; }; systemctl() { :; }; start_runtime() { :; }; resume_change() { :; }
read_notes() { :; }; install_artifacts() { :; }; import_images() { :; }; begin_change() { :; }
plan_kubelet() { :; }; plan_programs() { :; }; is_control_plane() { true; }
"""
FACTS = """
systemctl() { :; }; service_crash() { :; }; pod_crash() { :; }; managed_paths() { :; }
managed_parts() { :; }; damaged_images() { :; }; ip() { :; }; kubectl() { :; }
"""


def test_names_that_a_failed_change_left_in_the_certificate_are_drift(
    disk: Disk, pki: Path
) -> None:
    def noted() -> str:
        facts = run(disk, "node_facts", FACTS, "node_facts").stdout.splitlines()
        (fact,) = (line for line in facts if "apiserver.crt (its names)\t" in line)
        return fact

    before = noted()
    run(disk, "apply_control_plane", CERTS)
    after = noted()
    assert after != before
    (pki / "apiserver.crt").write_text("")
    assert noted() not in (before, after)
    run(disk, "repair", CERTS + REPAIRED)
    assert noted() == after, "the names are the same, the certificate is another one"


@pytest.mark.parametrize("ignored", ["", "CreateJob"])
def test_a_check_that_cannot_pass_is_ignored(disk: Disk, ignored: str) -> None:
    kubeadm = 'kubeadm() { echo "$*" >"$STATE/call"; }\npreflight_exceptions() { :; }\n'
    run(disk, f"IGNORED_CHECKS={ignored}; check_upgrade", kubeadm)
    call = (disk.state / "call").read_text().split()
    expected = [f"--ignore-preflight-errors={ignored}"] if ignored else []
    assert call == ["upgrade", "apply", "phase", "preflight", "v1.37.2", "--yes", *expected]


def test_an_upgrade_creates_no_rules_for_bootstrap_tokens(disk: Disk) -> None:
    stand_ins = """
kubeadm() { echo "$*" >>"$STATE/calls"; }
preflight_exceptions() { :; }
upgrade_member() { :; }
resume_change() { :; }
"""
    run(disk, "upgrade_first", stand_ins)
    (call,) = (disk.state / "calls").read_text().splitlines()
    assert call.startswith("upgrade apply v1.37.2 ")
    (skipped,) = (word for word in call.split() if "kubelet-config" in word)
    assert "bootstrap-token" in skipped.split(",")


@pytest.mark.parametrize(
    ("kubelet", "list_", "unpinned"),
    [
        ("v1.37.2", "echo api:v1.37.2", ["api:v1.36.3"]),
        ("v1.36.3", "echo api:v1.37.2", []),
        ("v1.37.2", "false", []),
    ],
)
def test_images_of_a_former_version_are_unpinned_once_it_is_gone(
    disk: Disk, kubelet: str, list_: str, unpinned: list[str]
) -> None:
    """The kubelet may then remove them from a full disk, but none that the machine needs."""
    (disk.state / "artifacts").mkdir()
    (disk.state / "artifacts/index").write_text("0a1b\timage\tflannel\tflannel:v1\n")
    pulled = [f"{name}\tpulled" for name in ("api:v1.36.3", "api:v1.37.2", "flannel:v1")]
    (disk.state / "images").write_text("\n".join([*pulled, ""]))
    programs = f"""
    version_of() {{ echo {kubelet}; }}
    kubeadm() {{ {list_}; }}
    ctr() {{ [[ "$3 $4" != "images label" ]] || echo "${{*:5}}" >>"$STATE/labels"; }}
    """
    disk.run(f"{SETTINGS}{programs}set -Eeuo pipefail\nclean", "upgrade")
    labels = disk.state / "labels"
    found = labels.read_text().splitlines() if labels.exists() else []
    assert found == [f"{reference} io.cri-containerd.pinned=" for reference in unpinned]
    left = [line for line in pulled if line.split("\t")[0] not in unpinned]
    assert (disk.state / "images").read_text().splitlines() == left
