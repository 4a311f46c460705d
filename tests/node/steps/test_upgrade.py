"""scripts/node/upgrade.sh: operations on a member, with stand-ins for kubeadm and containerd."""

import subprocess
from pathlib import Path
from shlex import quote

import pytest

from tests.node.cluster import VERSION
from tests.node.steps.certificates import DOCUMENTS, issue, lay_foundation, preamble, shown
from tests.node.steps.disk import Disk

SETTINGS = """
NODE_ADDRESS=192.0.2.1 KUBERNETES_VERSION=v1.37.2
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
OLD, NEW = "old.example.com", "new.example.com"


def with_kubeadm() -> str:
    """The real kubeadm, and the documents with another name of the API server."""
    wanted = DOCUMENTS.replace("certSANs:\n", f"certSANs:\n  - {NEW}\n")
    return f"""{preamble()}
    KUBERNETES_VERSION={VERSION} CLUSTER_CONFIGURATION={quote(wanted)}
    plan_manifests() {{ :; }}; plan_kubelet() {{ :; }}; plan_programs() {{ :; }}
    begin_change() {{ :; }}; resume_change() {{ :; }}
    preflight_exceptions() {{ :; }}
    shows_certificate() {{ true; }}
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
    lay_foundation(disk)
    issue(disk, DOCUMENTS.replace("certSANs:\n", f"certSANs:\n  - {OLD}\n"))
    return disk.folder / "etc/kubernetes/pki"


def names(pki: Path) -> str:
    return shown(pki / "apiserver.pem", "-ext", "subjectAltName")


def test_names_of_the_api_server_reach_its_certificate(disk: Disk, pki: Path) -> None:
    assert OLD in names(pki)
    run(disk, "apply_control_plane", with_kubeadm())
    assert NEW in names(pki)
    assert OLD not in names(pki)
    before = {path: path.read_text() for path in pki.glob("apiserver.*")}
    run(disk, "apply_control_plane", with_kubeadm())
    assert {path: path.read_text() for path in before} == before, "the names are the same"


def test_an_upgrade_renews_the_certificates(disk: Disk, pki: Path) -> None:
    before = {path: path.read_text() for path in pki.rglob("*.pem")}
    run(disk, "upgrade_member", with_kubeadm())
    assert len(before) == 7
    assert all(path.read_text() != text for path, text in before.items())
    assert NEW in names(pki)


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
        (fact,) = (line for line in facts if "apiserver.pem (its names)\t" in line)
        return fact

    before = noted()
    run(disk, "apply_control_plane", with_kubeadm())
    after = noted()
    assert after != before
    (pki / "apiserver.pem").write_text("")
    assert noted() not in (before, after)
    run(disk, "repair", with_kubeadm() + REPAIRED)
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
