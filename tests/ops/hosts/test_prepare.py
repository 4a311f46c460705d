"""The step `prepare` on real hosts with real binaries, and its reversal."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from components.providers.existing_host import ExistingHostProvider
from model.artifacts.bundle import Bundle
from model.outbound import Mirror, Outbound
from tests.ops.hosts.bare_hosts import BareHost
from tests.ops.hosts.bundles import make_another_bundle, wanted
from tests.ops.hosts.steps import changes, condition, files_behind, prepare

pytestmark = [pytest.mark.root, pytest.mark.slow]
HOSTS = ExistingHostProvider()
STATE = "var/lib/kubeadm-fleet"


def test_installs_once_and_releases_the_host(host: BareHost, bundle: Bundle) -> None:
    host.shell("sysctl --quiet --write net.ipv4.ip_forward=0")
    before = condition(host)
    outs = HOSTS.create(wanted(host)).outs
    assert outs

    first = prepare(host)
    assert first.status == 0, first.said
    for each in bundle.for_role("worker"):
        if each.install:
            assert host.shell(f"sha256sum {each.install}").split()[0] == each.sha256
    images = host.shell("ctr --namespace k8s.io images list --quiet").split()
    assert {a.image for a in bundle.for_role("worker") if a.image} <= set(images)
    assert host.shell("sysctl --values net.ipv4.ip_forward").strip() == "1"
    assert host.shell("systemctl is-active containerd").strip() == "active"
    assert "runc" in (host.root / STATE / "packages").read_text()

    written = host.shell("stat --format '%n %Y' /etc/containerd/config.toml /usr/local/bin/*")
    started = host.shell("systemctl show --property=ExecMainStartTimestampMonotonic containerd")
    second = prepare(host)
    assert second.status == 0, second.said
    assert "changed" not in second.said
    assert len(second.said.splitlines()) == 1, second.said
    now = host.shell("stat --format '%n %Y' /etc/containerd/config.toml /usr/local/bin/*")
    assert now == written
    assert started == host.shell(
        "systemctl show --property=ExecMainStartTimestampMonotonic containerd"
    )

    HOSTS.delete("", outs)
    assert changes(host, before) == {}


# As the first boot of a host, which updates its package lists: fcntl(2) locks, as apt takes them.
HOLD_APT = """use Fcntl;
open F, ">/var/lib/apt/lists/lock";
$lock = pack("s s x4 l! l! i", F_WRLCK, 0, 0, 0, 0);
fcntl(F, F_SETLK, $lock) or die;
open HELD, ">/run/held";
sleep 6;
"""


def test_packages_are_installed_on_a_busy_host_with_a_broken_source(
    host: BareHost, bundle: Bundle
) -> None:
    HOSTS.create(wanted(host))
    (host.root / "etc/apt/sources.list.d/broken.list").write_text(
        "deb [trusted=yes] file:/srv/gone ./\n"
    )
    (host.root / "root/hold-apt").write_text(HOLD_APT)
    host.shell(
        "systemd-run --quiet perl /root/hold-apt; until [[ -e /run/held ]]; do sleep 0.1; done"
    )
    ran = prepare(host)
    assert ran.status == 0, ran.said
    assert (
        "waiting for another package manager: the lock /var/lib/apt/lists/lock. It is" in ran.said
    )
    assert "(perl)" in ran.said
    assert "some package sources failed: " in ran.said


def test_files_of_a_killed_run_take_effect_in_the_next(host: BareHost, bundle: Bundle) -> None:
    HOSTS.create(wanted(host))
    assert prepare(host).status == 0
    started = "systemctl show --property=ExecMainStartTimestampMonotonic containerd"
    before = host.shell(started)
    # As after a kill between writing the unit and telling systemd of it.
    host.shell("systemctl disable --quiet containerd kubelet")
    note = host.root / STATE / "changed"
    note.write_text("/etc/systemd/system/containerd.service\n")
    again = prepare(host)
    assert again.status == 0, again.said
    assert host.shell("systemctl is-enabled containerd kubelet").split() == ["enabled"] * 2
    assert host.shell(started) != before
    assert not note.exists()


def test_repairs_only_what_was_changed(host: BareHost, bundle: Bundle) -> None:
    HOSTS.create(wanted(host))
    assert prepare(host).status == 0
    host.shell(
        "sed -i s/overlayfs/native/ /etc/containerd/config.toml\n"
        "echo broken >/usr/local/bin/kubelet\n"
        "echo 0 >/proc/sys/net/ipv4/ip_forward\n"
        "ctr --namespace k8s.io images remove registry.k8s.io/pause:3.10.2"
    )
    ran = prepare(host)
    assert ran.status == 0, ran.said
    changed = next(line for line in ran.said.splitlines() if "changed:" in line).split()[3:]
    assert sorted(changed) == ["/etc/containerd/config.toml", "/usr/local/bin/kubelet"]
    assert "importing 1 image" in ran.said
    assert "overlayfs" in host.shell("cat /etc/containerd/config.toml")
    assert "v1.36.3" in host.shell("kubelet --version")


def test_installs_nothing_if_an_artifact_is_corrupt(host: BareHost, bundle: Bundle) -> None:
    HOSTS.create(wanted(host))
    victim = bundle.named("kubelet").sha256
    with (host.root / STATE / "artifacts" / victim).open("r+b") as file:
        file.seek(1000)
        file.write(b"damage")
    ran = prepare(host)
    assert ran.status == 1
    assert f"artifacts corrupt or missing; nothing was installed: {victim}" in ran.said
    assert not list((host.root / "usr/local/bin").glob("kube*"))
    assert not (host.root / STATE / "files").exists()


def test_a_killed_prepare_is_repaired_by_running_again(host: BareHost, bundle: Bundle) -> None:
    HOSTS.create(wanted(host))
    notes = host.root / STATE / "files"
    with ThreadPoolExecutor(1) as pool:
        killed = pool.submit(prepare, host)
        while not notes.exists():
            assert not killed.done(), killed.result().said
        host.shell("kill -KILL $(pgrep --full step_prepare)")
        assert killed.result().status != 0
    ran = prepare(host)
    assert ran.status == 0, ran.said
    assert not list((host.root / "usr/local/bin").glob("*.new"))
    assert "changed" not in prepare(host).said


def test_a_killed_prepare_leaves_nothing_after_the_reset(host: BareHost, bundle: Bundle) -> None:
    before = condition(host)
    outs = HOSTS.create(wanted(host)).outs
    assert outs
    pending = host.root / STATE / "managed.pending"
    mirrors = {
        f"registry-{number}.example.com": Mirror("http://192.0.2.1") for number in range(200)
    }
    with ThreadPoolExecutor(1) as pool:
        killed = pool.submit(prepare, host, files_behind(Outbound(mirrors=mirrors)))
        while not (host.root / "etc/containerd/certs.d").exists():
            assert not killed.done(), killed.result().said
        host.shell("kill -KILL $(pgrep --full step_prepare)")
        assert killed.result().status != 0
    assert pending.exists()
    HOSTS.delete("", outs)
    assert changes(host, before) == {}


def test_stages_another_version_beside_the_running_one(
    host: BareHost, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outs = HOSTS.create(wanted(host)).outs
    assert outs
    assert prepare(host).status == 0
    host.shell(
        "mkdir -p /etc/kubernetes; echo x >/etc/kubernetes/kubelet.conf\n"
        f"echo x >/{STATE}/member; echo '# a person' >>/etc/containerd/config.toml"
    )
    before = host.shell("sha256sum /usr/local/bin/* /etc/containerd/config.toml")
    newer = make_another_bundle(bundle, tmp_path / "newer", "v1.37.2", "kubelet")
    monkeypatch.setattr("model.paths.bundle_dir", lambda *_: newer.folder)

    inputs = wanted(host, kubernetes_version="v1.37.2")
    assert HOSTS.diff("", outs, inputs).changes
    assert not HOSTS.diff("", outs, inputs).replaces
    changed = HOSTS.update("", outs, inputs).outs
    assert changed
    assert changed["machine_id"] == outs["machine_id"]
    ran = prepare(host, KUBERNETES_VERSION="v1.37.2")
    assert ran.status == 0, ran.said
    staged = f"/{STATE}/staged/v1.37.2"
    assert host.shell(f"cd {staged} && find . -type f").split() == ["./usr/local/bin/kubelet"]
    found = host.shell(f"sha256sum {staged}/usr/local/bin/kubelet").split()[0]
    assert found == newer.named("kubelet").sha256
    assert host.shell("sha256sum /usr/local/bin/* /etc/containerd/config.toml") == before
    assert "changed" not in ran.said
