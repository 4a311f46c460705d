"""scripts/node/node_facts.sh: what a member says of itself, as a rollout reads it."""

from datetime import timedelta

import pytest

from model.pki import certificates, serving
from model.pki.certificates import KeyPair
from model.pki.machine_certificates import Expiry
from ops.rollout.observed import ObservedMachine, parse
from tests.node.steps.disk import Disk

DIGEST = "0a1b"
STAND_INS = """
systemctl() { case $1 in list-unit-files) printf '%s enabled\\n' "${@:3}" ;; *) echo 0 ;; esac; }
service_state() { [[ $1 == kubelet ]] && echo crash-looping || echo active; }
service_error() { [[ $1 != kubelet ]] || echo "unknown field: maxPod"; }
pod_crash() { [[ $1 != etcd ]] || echo "no space left on device"; }
kubelet_version() { echo v1.36.3; }
ip() { echo "4: cni0    inet 10.244.2.1/24 brd 10.244.2.255 scope global cni0"; }
damaged_images() {
  printf '%s\\t%s\\t%s\\n' api:v1 missing 0a1b etcd:v3 missing ffff proxy:v1 unpinned ''
}
"""


def observed(disk: Disk) -> ObservedMachine:
    ran = disk.run(f"{STAND_INS}inspect", "applied_state")
    assert ran.returncode == 0, ran.stderr
    return parse(ran.stdout.replace(str(disk.folder), "").splitlines())


def test_what_is_crash_looping_is_named_with_its_error(disk: Disk) -> None:
    manifests = disk.folder / "etc/kubernetes/manifests"
    manifests.mkdir()
    (manifests / "etcd.yaml").touch()
    found = observed(disk)
    assert found.services["kubelet"] == "crash-looping"
    assert found.services["containerd"] == "active"
    assert found.crashes == {"kubelet": "unknown field: maxPod", "etcd": "no space left on device"}


def test_the_certificate_that_expires_first_is_known(disk: Disk) -> None:
    authority = certificates.new_authority("kubernetes", timedelta(days=3650))
    leaf = certificates.issue_client(authority, "apiserver", [], timedelta(days=365))
    pki = disk.folder / "etc/kubernetes/pki"
    pki.mkdir()
    assert observed(disk).expiry is None
    (pki / "ca.crt").write_text(authority.cert_pem)
    (pki / "apiserver.crt").write_text(leaf.cert_pem)
    found = observed(disk)
    assert found.expiry == Expiry(certificates.expiry(leaf.cert_pem), "apiserver")
    assert found.summary["certificate"] == "apiserver"
    assert found.summary["expires"] == certificates.expiry(leaf.cert_pem).isoformat()


def test_damaged_images_are_named_with_the_files_that_have_to_be_sent(disk: Disk) -> None:
    (disk.state / "artifacts").mkdir()
    (disk.state / "artifacts" / DIGEST).touch()
    found = observed(disk)
    assert found.images == {"api:v1": "missing", "etcd:v3": "missing", "proxy:v1": "unpinned"}
    assert found.missing_archives == ("ffff",)


def test_the_state_of_the_machine_is_that_of_its_files(disk: Disk) -> None:
    disk.join()
    for name in ("pending-change", "staged/v1.37.2", "registering", "cleanup-pending"):
        (disk.state / name).mkdir(parents=True)
    (disk.folder / "var/lib/kubelet").mkdir()
    (disk.folder / "var/lib/kubelet/config.yaml").write_text("maxPods: 77\n")
    found = observed(disk)
    assert (found.is_member, found.is_interrupted, found.is_registering) == (True, True, True)
    assert (found.version, found.staged, found.cleanup_pending) == ("v1.36.3", ("v1.37.2",), True)
    assert found.bridge == "10.244.2.1/24"
    assert found.files["/var/lib/kubelet/config.yaml"] != "missing"
    assert found.files["/var/lib/kubelet/kubeadm-flags.env"] == "missing"


def test_without_a_bridge_the_pods_share_is_what_flannel_started_with(disk: Disk) -> None:
    """Calico's plugin makes none; its configuration is a link to a file that no boot keeps."""
    disk.join()
    link = disk.folder / "etc/cni/net.d/10-canal.conflist"
    link.parent.mkdir(parents=True)
    link.symlink_to("/nowhere")
    assert observed(disk).bridge == ""
    (disk.folder / "run/flannel").mkdir(parents=True)
    share = "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.7.1/24\nFLANNEL_MTU=1450\n"
    (disk.folder / "run/flannel/subnet.env").write_text(share)
    assert observed(disk).bridge == "10.244.7.1/24"


def test_of_calico_s_own_network_the_share_is_what_it_announced(disk: Disk) -> None:
    disk.join()
    link = disk.folder / "etc/cni/net.d/10-calico.conflist"
    link.parent.mkdir(parents=True)
    link.symlink_to("/nowhere")
    assert observed(disk).bridge == ""
    (disk.folder / "run/calico").mkdir(parents=True)
    (disk.folder / "run/calico/share").write_text("10.244.7.0/24\n")
    assert observed(disk).bridge == "10.244.7.0/24"


@pytest.mark.parametrize(
    ("names", "plugin"),
    [
        ([], ""),
        (["10-flannel.conflist"], "flannel"),
        (["10-flannel.conflist", "10-canal.conflist"], "canal"),
        (["10-calico.conflist"], "calico"),
        (["87-podman.conflist"], ""),
    ],
)
def test_what_connects_pods_is_the_first_of_the_configurations(
    disk: Disk, names: list[str], plugin: str
) -> None:
    """A link may point nowhere: after a boot, until Felix has its rules in place."""
    disk.join()
    for name in names:
        path = disk.folder / "etc/cni/net.d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if "flannel" in name or "podman" in name:
            path.touch()
        else:
            path.symlink_to("/nowhere")
    assert observed(disk).plugin == plugin


def test_files_that_others_may_read_are_reported(disk: Disk) -> None:
    config = disk.folder / "var/lib/kubelet/config.yaml"
    config.parent.mkdir()
    config.touch(0o600)
    assert not {why for why in observed(disk).exposed.values() if why.startswith("mode")}
    config.chmod(0o644)
    assert observed(disk).exposed["/var/lib/kubelet/config.yaml"] == "mode 644 instead of 600"


def test_the_kubelet_s_serving_certificate_is_reported_without_its_key(disk: Disk) -> None:
    assert observed(disk).serving is None
    authority = certificates.new_authority("kubernetes", timedelta(days=3650))
    pair, another = (
        serving.issue(authority, name, "192.0.2.7", timedelta(days=9)) for name in ("a", "b")
    )
    file = disk.folder / "var/lib/kubelet/pki/serving.pem"
    file.parent.mkdir(parents=True)
    for content, is_paired in ((pair, True), (KeyPair(pair.cert_pem, another.key_pem), False)):
        file.write_text(content.pem)
        found = observed(disk).serving
        assert found
        assert (found.names, found.is_paired) == (serving.names_of("a", "192.0.2.7"), is_paired)
        assert found.issuer == certificates.key_identifier(authority.cert_pem)
    ran = disk.run(f"{STAND_INS}inspect", "applied_state")
    assert "PRIVATE" not in ran.stdout
    assert not [line for line in another.key_pem.splitlines()[1:-1] if line in ran.stdout]
    file.write_text("damaged")
    assert observed(disk).serving is None


def test_what_failed_by_the_clock_is_named_with_its_reason(disk: Disk) -> None:
    rows = "apiserver\t2026-01-01T00:00:00Z\t", "etcd-peer\t2026-01-01T00:00:00Z\t"
    record = f"{rows[0]}failed\tno CA\n{rows[1]}succeeded\t2027-01-01T00:00:00Z\n"
    (disk.state / "renewals").write_text(record)
    assert observed(disk).renewal_failures == {"apiserver": "no CA"}
