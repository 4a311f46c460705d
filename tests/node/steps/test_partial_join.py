"""scripts/node/join.sh: an interrupted join, and exceptions to kubeadm's checks."""

import pytest
import yaml

from tests.node.steps.disk import Disk

KUBEADM = """
set -Eeuo pipefail
LIB_STARTED=$EPOCHREALTIME
kubeadm() { echo "$*" >>"$STATE/ran"; }
"""


@pytest.mark.parametrize(
    ("written", "partial"),
    [
        (("controller-manager.conf", "scheduler.conf", "admin.conf", "pki/apiserver.pem"), False),
        (("kubelet.conf",), True),
        (("bootstrap-kubelet.conf",), True),
        (("manifests/etcd.yaml",), True),
    ],
)
def test_certificates_that_were_prepared_are_no_interrupted_join(
    disk: Disk, written: tuple[str, ...], partial: bool
) -> None:
    for name in written:
        path = disk.folder / "etc/kubernetes" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("prepared")
    assert (disk.run("has_partial_join", "join").returncode == 0) == partial


def test_a_kubelet_names_the_file_of_its_ca(disk: Disk) -> None:
    kubeconfig = disk.folder / "etc/kubernetes/kubelet.conf"
    kubeconfig.write_text(
        "clusters:\n- cluster:\n    certificate-authority-data: LS0t\n    server: https://a\n"
    )
    for _ in range(2):
        assert disk.run(f"{KUBEADM}name_ca_file", "join").returncode == 0
        (entry,) = yaml.safe_load(kubeconfig.read_text())["clusters"]
        ca = f"{disk.folder}/etc/kubernetes/pki/ca.crt"
        assert entry["cluster"] == {"certificate-authority": ca, "server": "https://a"}
        assert kubeconfig.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("role", ["worker", "control-plane"])
def test_etcd_data_of_a_worker_is_not_a_cluster_s(disk: Disk, role: str) -> None:
    """kubeadm reset empties /var/lib/etcd, also where no etcd of a cluster ran."""
    (disk.folder / "etc/kubernetes/kubelet.conf").write_text("kubeconfig")
    data = disk.folder / "var/lib/etcd/member/db"
    data.parent.mkdir(parents=True)
    data.write_text("data")
    if role == "control-plane":
        (disk.state / "init-configuration.yaml").write_text("kind: InitConfiguration")
    ran = disk.run(f"{KUBEADM}reset_partial_join", "join")
    assert ran.returncode == 0, ran.stderr
    skipped = "--skip-phases remove-etcd-member" in (disk.state / "ran").read_text()
    assert (skipped, data.exists()) == (role == "worker", role == "worker")
    assert data.parents[1].is_dir(), "it may be a disk of its own, which cannot be removed"
    assert not (disk.folder / "etc/kubernetes").exists()


def test_a_power_cut_after_a_join_leaves_a_member(disk: Disk) -> None:
    """The record would remain without its content, or without what it stands for."""
    (disk.folder / "etc/kubernetes/kubelet.conf").write_text("kubeconfig")
    kubelet = disk.folder / "var/lib/kubelet"
    kubelet.mkdir()
    written = [kubelet / name for name in ("config.yaml", "kubeadm-flags.env")]
    for path in written:
        path.write_text("written by the join")
    synced = (
        """sync() { printf '%s\\n' "$@" >>"$STATE/synced"; }; mv() { sync mv; command mv "$@"; }"""
    )
    ran = disk.run(f"{KUBEADM}{synced}; MEMBERSHIP=x; record_membership", "join")
    assert ran.returncode == 0, ran.stderr
    calls = (disk.state / "synced").read_text().splitlines()
    expected = {*written, disk.state / "member.new", disk.folder / "etc/kubernetes/kubelet.conf"}
    assert set(map(str, expected)) <= set(calls[: calls.index("mv")])
    assert calls[-1] == str(disk.state)


@pytest.mark.parametrize(
    ("content", "excepted"),
    [((), False), (("lost+found",), True), (("lost+found", "member"), False)],
)
def test_kubeadm_accepts_a_disk_for_etcd(
    disk: Disk, content: tuple[str, ...], excepted: bool
) -> None:
    for name in content:
        (disk.folder / "var/lib/etcd" / name).mkdir(parents=True)
    exceptions = disk.run("preflight_exceptions", "join").stdout.split()
    assert ("--ignore-preflight-errors=DirAvailable--var-lib-etcd" in exceptions) == excepted


def test_the_kubelet_finds_its_serving_pair_after_an_interrupted_join(disk: Disk) -> None:
    """`kubeadm reset` empties the kubelet's folder."""
    (disk.folder / "etc/kubernetes/kubelet.conf").write_text("kubeconfig")
    pair = disk.folder / "var/lib/kubelet/pki/serving.pem"
    pair.parent.mkdir(parents=True)
    pair.write_text("another one's")
    reset = f"kubeadm() {{ rm -rf {disk.folder}/var/lib/kubelet; }}"
    settings = (
        "RUN=$STATE ENDPOINT=192.0.2.1:6443 JOIN_CREDENTIAL=x JOIN_DOCUMENTS=y SERVING_PAIR=pair"
    )
    ran = disk.run(f"{KUBEADM}{reset}; {settings}; reset_partial_join; prepare_join", "join")
    assert ran.returncode == 0, ran.stderr
    assert pair.read_text() == "pair\n"
    assert pair.stat().st_mode & 0o777 == 0o600
