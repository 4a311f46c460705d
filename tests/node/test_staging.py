"""Staging another version on a member, beside the running one."""

from pathlib import Path

import pytest

from model import paths
from model.artifacts.bundle import Bundle
from model.render.machine_files import COMMON_FILES
from ops.hosts.artifacts import HostArtifacts, for_host
from ops.nspawn import artifacts
from tests.node.cluster import VERSION, Member
from tests.ops.hosts.bundles import make_another_bundle
from tests.ops.hosts.steps import deliver_files

pytestmark = [pytest.mark.root, pytest.mark.slow]
ANOTHER = "v1.36.9"
STATE = "var/lib/kubeadm-fleet"
STAGED = f"/{STATE}/staged/{ANOTHER}"
INSTALLED = "sha256sum /usr/local/bin/* /opt/cni/bin/* /etc/containerd/config.toml"
STARTED = "systemctl show --property=ExecMainStartTimestampMonotonic kubelet containerd"


@pytest.fixture
def another(worker: Member, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """A bundle of another version, of which kubectl and the image of pause differ."""
    monkeypatch.setenv("KUBEADM_FLEET_MACHINES", str(worker.root.parents[2]))
    real = Bundle.load(paths.bundle_dir(VERSION))
    bundle = make_another_bundle(real, tmp_path / "bundle", ANOTHER, "kubectl", "pause")
    monkeypatch.setattr("model.paths.bundle_dir", lambda *_: bundle.folder)
    return bundle


def desired(worker: Member) -> HostArtifacts:
    return for_host(
        source="bundle",
        mirror=None,
        kubernetes_version=ANOTHER,
        arch="amd64",
        role=worker.spec.role,
    )


def supply(worker: Member) -> None:
    """Put the artifacts on the machine's disk, with the table of its files."""
    artifacts.sync(worker.spec, desired(worker))
    deliver_files(worker.root, COMMON_FILES)


def test_only_differences_are_staged_and_running_services_are_not_touched(
    worker: Member, another: Bundle
) -> None:
    before = worker.shell(f"{INSTALLED}; {STARTED}")
    supply(worker)
    sent = {file.name for file in (worker.root / STATE / "artifacts").iterdir()}
    assert another.named("pause").sha256 in sent
    assert another.named("flannel").sha256 not in sent  # it has the image, from the same file

    ran = worker.prepare(ANOTHER)
    assert ran.status == 0, ran.err
    assert worker.shell(f"cd {STAGED} && find . -type f").split() == ["./usr/local/bin/kubectl"]
    found = worker.shell(f"sha256sum {STAGED}/usr/local/bin/kubectl").split()[0]
    assert found == another.named("kubectl").sha256
    assert "importing 1 image" in ran.out
    assert worker.shell(f"{INSTALLED}; {STARTED}") == before
    assert worker.node_facts()["staged"].split() == [ANOTHER]

    again = worker.prepare(ANOTHER)
    assert again.status == 0, again.err
    assert "importing" not in again.out


def test_corrupt_artifacts_are_not_staged(worker: Member, another: Bundle) -> None:
    worker.shell(f"rm -rf /{STATE}/staged")
    supply(worker)
    victim = another.named("kubectl").sha256
    with (worker.root / STATE / "artifacts" / victim).open("r+b") as file:
        file.seek(1000)
        file.write(b"damage")
    ran = worker.prepare(ANOTHER)
    assert ran.status == 1
    assert f"artifacts corrupt or missing; nothing was installed: {victim}" in ran.err
    assert not worker.node_facts()["staged"].strip() or not worker.shell(f"find {STAGED} -type f")


def test_an_upgrade_without_its_version_is_rejected(worker: Member) -> None:
    refused = worker.operate("upgrade_kubelet", KUBERNETES_VERSION="v1.37.9")
    assert refused.status == 1
    assert "Kubernetes v1.37.9 is not staged here" in refused.err


def test_unused_staged_files_are_cleaned(worker: Member) -> None:
    worker.shell(
        f"mkdir -p {STAGED} /etc/kubernetes/tmp/kubeadm-backup-etcd; touch /{STATE}/cleanup-pending"
    )
    assert worker.node_facts()["cleanup_pending"] == "yes"
    worker.shell(
        "for name in pause:3.9 theirs/pause:3.9; do ctr --namespace k8s.io images tag"
        " registry.k8s.io/pause:3.10.2 registry.k8s.io/$name; done"
    )
    worker.succeed("clean")
    found = worker.node_facts()
    assert (found["staged"], found["cleanup_pending"]) == ("", "no")
    images = worker.shell("ctr --namespace k8s.io images list --quiet 2>/dev/null").split()
    assert "registry.k8s.io/pause:3.9" not in images
    assert {"registry.k8s.io/pause:3.10.2", "registry.k8s.io/theirs/pause:3.9"} <= set(images)
    assert worker.shell("ls /etc/kubernetes").split().count("tmp") == 0
