"""Images of a member: what the kubelet removes, what a person removes, and what comes back."""

from pathlib import Path

import pytest

from ops.hosts.artifacts import archives, tar
from scripts.build import ociimage
from tests.node.cluster import VERSION, Member
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow]
DECOY, PINNED_DECOY = "decoy.test/one:1", "decoy.test/two:1"
LIST = "ctr --namespace k8s.io images list --quiet 2>/dev/null"
CONFIG = "/var/lib/kubelet/config.yaml"
# Any disk is too full for this kubelet, which then removes every image that it may remove.
GREEDY = (
    f"cp {CONFIG} /root/kubelet.yaml; sed -i '/^evictionHard:/,/^[^ ]/{{/^ /d}};"
    f"/^evictionHard:/d;/^imageMinimumGCAge:/d' {CONFIG}; printf '%s\n' 'imageMinimumGCAge: 1s' "
    f"'evictionHard: {{imagefs.available: 99%}}' >>{CONFIG}; systemctl restart kubelet"
)
AS_BEFORE = f"mv /root/kubelet.yaml {CONFIG}; systemctl restart kubelet"


def images_of(worker: Member) -> set[str]:
    """The names of the images that the machine has."""
    return set(worker.shell(LIST).split())


def damage(worker: Member) -> dict[str, str]:
    """What an inspection says about images."""
    found = worker.node_facts()
    return {key: value for key, value in found.items() if key.startswith("image:")}


def import_decoy(worker: Member, folder: Path, reference: str, label: str) -> None:
    """Import an image that nothing uses."""
    file, archive = folder / "file", worker.root / "root" / "decoy.tar"
    file.write_text(reference)
    ociimage.write(ociimage.ImageRecipe(reference, {"/file": file}), archive, "amd64")
    worker.shell(f"ctr --namespace k8s.io images import --local {label} /root/decoy.tar")
    archive.unlink()


def test_the_kubelet_removes_unused_images_but_no_pinned_one(
    worker: Member, tmp_path: Path
) -> None:
    assert damage(worker) == {}
    import_decoy(worker, tmp_path, DECOY, "")
    import_decoy(worker, tmp_path, PINNED_DECOY, "--label io.cri-containerd.pinned=pinned")
    before = images_of(worker)
    worker.shell(GREEDY)
    try:
        await_true(lambda: DECOY not in images_of(worker), "the kubelet to collect garbage", 90)
    finally:
        worker.shell(AS_BEFORE)
    gone = {name for name in before - images_of(worker) if not name.startswith("sha256:")}
    assert gone == {DECOY}
    assert damage(worker) == {}
    worker.shell(f"ctr --namespace k8s.io images remove {PINNED_DECOY}")


def test_removed_images_are_found_and_sent_again(worker: Member) -> None:
    victim = "registry.k8s.io/pause:3.10.2"
    worker.shell(
        f"ctr --namespace k8s.io images remove {victim} && {LIST} | grep ^sha256: | "
        "xargs -n 1 ctr --namespace k8s.io images remove"
    )
    ((key, value),) = damage(worker).items()
    state, missing = value.split()
    assert (key, state) == (f"image:{victim}", "missing")
    sent = archives({missing}, kubernetes_version=VERSION, arch="amd64", role="worker")
    assert "importing 1 image" in worker.succeed("restore_images", tar(sent))
    assert damage(worker) == {}
    assert victim in images_of(worker)
    assert not (worker.root / "var/lib/kubeadm-fleet/artifacts" / missing).exists()
