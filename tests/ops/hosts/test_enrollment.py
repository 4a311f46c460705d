"""ExistingHost against real hosts: enrollment, rejection, artifacts."""

import os
import signal
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from components.providers.existing_host import ExistingHostProvider
from model.render.machine_files import COMMON_FILES, table
from model.render.node_paths import ARTIFACTS
from ops.errors import OperatorError
from ops.hosts import artifacts, content
from ops.hosts.ssh import connected
from ops.hosts.ssh_errors import WrongHostKey
from tests.ops.hosts.bare_hosts import BareHost, Lab, run
from tests.ops.hosts.bundles import NO_FILES, make_bundle, sent, wanted
from tests.waiting import await_true

pytestmark = pytest.mark.root
HOSTS = ExistingHostProvider()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache for bundles of the test's own; `lab` has found its image in the real one."""
    monkeypatch.setattr("model.paths.bundle_dir", lambda *_: tmp_path / "bundle")


def test_enrolls_a_host_and_sends_the_artifacts_of_its_role(host: BareHost) -> None:
    bundle = make_bundle()
    outs = HOSTS.create(wanted(host)).outs
    assert outs
    assert set(sent(host)) == {a.sha256 for a in bundle.for_role("worker")}
    assert outs["facts"]["os"].startswith("Debian")
    assert outs["condition"] == "ours"
    assert outs["machine_id"].startswith(host.spec.machine_id)
    assert host.shell("stat --format %a /var/lib/kubeadm-fleet").strip() == "700"


def test_sends_nothing_twice(host: BareHost) -> None:
    make_bundle()
    first = HOSTS.create(wanted(host))
    before = sent(host)
    again = HOSTS.create(wanted(host))
    assert sent(host) == before
    assert again.id == first.id, "the same host is the same machine"


def test_a_new_bundle_sends_only_new_artifacts_and_deletes_old_ones(host: BareHost) -> None:
    make_bundle()
    olds = HOSTS.create(wanted(host)).outs
    assert olds
    assert not HOSTS.diff("", olds, wanted(host)).changes
    bundle = make_bundle()
    assert HOSTS.diff("", olds, wanted(host)).changes
    news = HOSTS.update("", olds, wanted(host)).outs
    assert news
    assert news["machine_id"] == olds["machine_id"]
    assert set(sent(host)) == {a.sha256 for a in bundle.for_role("worker")}


def test_the_table_comes_with_the_artifacts_and_drops_the_former_one(host: BareHost) -> None:
    bundle = make_bundle()
    artifacts = {a.sha256 for a in bundle.for_role("worker")}
    former, later = content.put("table"), content.put("rows")
    olds = HOSTS.create(wanted(host, files=former)).outs
    assert olds
    assert set(sent(host)) == artifacts | {former}
    assert not HOSTS.diff("", olds, wanted(host, files=former)).changes
    assert not HOSTS.diff("", olds, wanted(host, files=later)).changes, "it is the rollout's"
    news = HOSTS.update("", olds, wanted(host, files=later)).outs
    assert news
    assert set(sent(host)) == artifacts | {later}
    assert not HOSTS.diff("", news, wanted(host, files=later)).changes


def test_a_table_that_is_missing_on_the_host_is_drift(host: BareHost) -> None:
    make_bundle()
    inputs = wanted(host, files=content.put("rows"))
    created = HOSTS.create(inputs)
    assert created.outs
    path = f"{ARTIFACTS}/{inputs['files']}"
    host.shell(f"rm {path}")
    found = HOSTS.read(created.id, created.outs).outs
    assert found
    assert HOSTS.diff("", found, inputs).changes
    HOSTS.update("", found, inputs)
    assert host.shell(f"cat {path}") == "rows"


def test_an_unreachable_host_gets_everything_later(
    host: BareHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not keep its cluster from being changed; a login that does not work is an error."""
    monkeypatch.setattr("components.providers.existing_host.PATIENCE_SECONDS", 0)
    make_bundle()
    former, later = content.put("table"), content.put("rows")
    olds = HOSTS.create(wanted(host, files=former)).outs
    assert olds
    host.shell("systemctl stop ssh.socket ssh 2>/dev/null || true")
    change = {"files": later, "kubernetes_version": "v1.37.2"}
    unsent = HOSTS.update("", olds, wanted(host, **change)).outs
    assert unsent
    assert unsent["condition"].startswith("unreachable: ")
    for key in ("artifacts_digest", "files", "kubernetes_version"):
        assert unsent[key] == olds[key]
    assert HOSTS.diff("", unsent, wanted(host, **change)).changes
    login = {**olds["login"], "user": "another"}
    with pytest.raises(OperatorError, match="cannot be reached"):
        HOSTS.update("", olds, wanted(host, files=later, login=login))


def test_reports_all_preflight_problems_at_once(host: BareHost) -> None:
    make_bundle()
    host.shell(
        "mkdir -p /etc/kubernetes /etc/containerd /var/lib/kubeadm-fleet /var/lib/etcd/member\n"
        "touch /var/lib/etcd/member/db /etc/kubernetes/admin.conf\n"
        "touch /usr/local/bin/kubelet /etc/containerd/config.toml\n"
        "printf 'another\\tmachine-7\\tmark\\n' >/var/lib/kubeadm-fleet/owner\n"
        "systemd-run --quiet /usr/sbin/sshd -D -p 10250\n"
        "timeout 10 bash -c 'until : </dev/tcp/127.0.0.1/10250; do :; done' 2>/dev/null\n"
        "mkdir -p /etc/cni/net.d; touch /etc/cni/net.d/05-other.conflist /etc/cni/net.d/README\n"
        "ip link add cni0 type bridge; ip link add calibre0 type bridge\n"
        "iptables -t nat -N KUBE-SERVICES; iptables -N KUBE-MINE; iptables -N cali-INPUT\n"
        "systemd-run --quiet --unit k3s sleep infinity\n"
        "echo 'HTTPS_PROXY=http://proxy:1' >>/etc/environment"
    )
    with pytest.raises(OperatorError) as refusal:
        files = content.put(table(COMMON_FILES))
        HOSTS.create(wanted(host, role="control-plane", files=files, address="203.0.113.7"))
    said = str(refusal.value)
    for part in (
        "nothing was changed",
        "owner: this host is machine-7 of fleet another",
        "port 10250 (kubelet) is in use by sshd (process ",
        ": run `systemctl disable --now run-",
        "leftovers of an earlier installation: ",
        " /etc/kubernetes ",
        "pod network of another installation: /etc/cni/net.d/05-other.conflist: ",
        "network interfaces of an earlier cluster: cni0: run `ip link delete cni0`",
        "firewall rules of an earlier cluster: chains KUBE-SERVICES cali-INPUT: ",
        "service k3s.service is running: run `k3s-uninstall.sh`",
        "address: no interface of the host has 203.0.113.7 (behind NAT?), so etcd and the kubelet",
        f"set nodeAddress to one of the host's own: {host.address} (",
        "proxy: the proxy set in /etc/environment on the host is not used",
        "/usr/local/bin/kubelet",
        "/etc/containerd/config.toml",
        " /var/lib/etcd: ",
    ):
        assert part in said, said
    assert not (host.root / "var/lib/kubeadm-fleet/artifacts").exists()


def test_rejects_a_host_that_needs_the_networks_of_pods_and_services(host: BareHost) -> None:
    make_bundle()
    networks = {"podSubnet": "10.244.0.0/16", "serviceSubnet": "10.96.0.0/12"}
    host.shell(
        "ip link add docker0 type bridge; ip address add 10.244.7.1/24 dev docker0\n"
        "ip link set docker0 up; echo nameserver 10.96.0.53 >/etc/resolv.conf"
    )
    with pytest.raises(OperatorError) as refusal:
        HOSTS.create(wanted(host, networks=networks))
    said = str(refusal.value)
    assert "network 10.244.7.0/24 (docker0) overlaps networking.podSubnet 10.244.0.0/16" in said
    assert "nameserver 10.96.0.53 is inside networking.serviceSubnet 10.96.0.0/12" in said
    host.shell("ip link delete docker0; echo nameserver 192.0.2.53 >/etc/resolv.conf")
    assert HOSTS.create(wanted(host, networks=networks)).outs


def test_reports_that_sudo_requires_a_password(host: BareHost) -> None:
    make_bundle()
    host.shell("rm /etc/sudoers.d/user")
    with pytest.raises(OperatorError, match=r"root: sudo: a password is required"):
        HOSTS.create(wanted(host))


def test_a_host_of_another_fleet_is_rejected(host: BareHost) -> None:
    make_bundle()
    HOSTS.create(wanted(host))
    with pytest.raises(OperatorError, match="owner: this host is host-0 of fleet"):
        HOSTS.create(wanted(host, fleet="another-fleet"))
    with pytest.raises(OperatorError, match="owner: this host is host-0 of this fleet: give it"):
        HOSTS.create(wanted(host, machine="named-twice"))


def test_rejects_a_host_with_another_key(lab: Lab, host: BareHost) -> None:
    make_bundle()
    other = lab.boot("host-1", 12)
    with pytest.raises(WrongHostKey, match="host key mismatch: got"):
        HOSTS.create(wanted(host, host_key=other.host_key))
    rsa = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTY="
    with pytest.raises(WrongHostKey, match="no key of that type"):
        HOSTS.create(wanted(host, host_key=rsa))


def test_accepts_any_key_if_the_config_opts_out(host: BareHost) -> None:
    make_bundle()
    assert HOSTS.create(wanted(host, host_key=None)).outs


def test_rejects_artifacts_that_do_not_match_the_manifest(host: BareHost) -> None:
    bundle = make_bundle()
    tool = bundle.file(bundle.named("tool"))
    tool.write_bytes(tool.read_bytes()[:-1] + b"?")
    with pytest.raises(OperatorError, match=f"corrupted in transit: {bundle.named('tool').sha256}"):
        HOSTS.create(wanted(host))
    assert set(sent(host)) == {bundle.named("pause").sha256}


def test_rejects_a_bundle_with_a_truncated_file(host: BareHost) -> None:
    bundle = make_bundle()
    tool = bundle.file(bundle.named("tool"))
    tool.write_bytes(tool.read_bytes()[:-1])
    with pytest.raises(OperatorError, match="is 1 bytes shorter than in its manifest"):
        HOSTS.create(wanted(host))
    assert bundle.named("tool").sha256 not in sent(host)


def test_resumes_after_a_lost_connection(host: BareHost, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = make_bundle(4_000_000)
    needed = {each.sha256 for each in bundle.for_role("worker")}
    own_table = content.put(NO_FILES)
    folder = host.root / "var/lib/kubeadm-fleet/artifacts"
    send_all = artifacts.tar

    def cut_in_the_second_file(files: Iterable[tuple[str, Path, int]]) -> Iterator[bytes]:
        first, second = (file for file in files if file[0] != own_table)
        yield b"".join(send_all([first]))[:-1024]  # without the end of the tar
        yield b"".join(send_all([second]))[:2_000_000]
        await_true((folder / "incoming" / second[0]).exists, "the file to arrive")
        host.shell("kill -KILL $(ps -u ubuntu -o pid=)")
        yield b"".join(send_all([second]))[2_000_000:]

    monkeypatch.setattr(artifacts, "tar", cut_in_the_second_file)
    with pytest.raises(OperatorError, match="lost"):
        HOSTS.create(wanted(host))

    sent_again: list[str] = []

    def noting(files: Iterable[tuple[str, Path, int]]) -> Iterator[bytes]:
        sent_again.extend(name for name, *_ in files)
        return send_all(files)

    monkeypatch.setattr(artifacts, "tar", noting)
    HOSTS.create(wanted(host))
    assert len({*sent_again} - {own_table}) == 1, "complete files are not sent again"
    assert set(sent(host)) == needed
    assert not (folder / "incoming").exists()


def test_a_bastion_reaches_an_otherwise_unreachable_host(lab: Lab) -> None:
    make_bundle()
    bastion, hidden = lab.boot("bastion", 10), lab.boot("hidden", 11)
    hidden.shell(
        f"echo 'AllowUsers ubuntu@{bastion.address}' >/etc/ssh/sshd_config.d/hidden.conf\n"
        "systemctl restart ssh"
    )
    with pytest.raises(OperatorError, match="authentication of ubuntu failed with the private key"):
        HOSTS.create(wanted(hidden))
    way = {
        "host": bastion.address,
        "port": 22.0,
        "user": "ubuntu",
        "host_key": bastion.host_key,
    }
    assert HOSTS.create(wanted(hidden, bastion=way)).outs
    with pytest.raises(WrongHostKey, match=bastion.address):
        HOSTS.create(wanted(hidden, bastion={**way, "host_key": hidden.host_key}))


def test_an_agent_holds_the_key(
    host: BareHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_bundle()
    sock = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.DEVNULL)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
    try:
        while not sock.exists():
            assert agent.poll() is None
        with pytest.raises(OperatorError, match="the SSH agent has no key"):
            HOSTS.create(wanted(host, private_key=None))
        subprocess.run(
            ["ssh-add", "-q", "-"], input=host.key.private_openssh, text=True, check=True
        )
        assert HOSTS.create(wanted(host, private_key=None)).outs
    finally:
        os.kill(agent.pid, signal.SIGTERM)
        agent.wait()


def test_an_unreachable_host_is_reported(
    lab: Lab, host: BareHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.providers.existing_host.PATIENCE_SECONDS", 0)
    host.shell("systemctl stop ssh.socket ssh 2>/dev/null || true")
    with pytest.raises(OperatorError, match=r"cannot be reached: .*refused"):
        HOSTS.create(wanted(host))


def test_no_secret_is_in_arguments_or_logs(host: BareHost) -> None:
    make_bundle()
    HOSTS.create(wanted(host))
    with connected(host.login("root")) as connection:
        said = run(connection, "journalctl --no-pager; cat /var/log/*.log /var/log/*/* 2>/dev/null")
    for line in host.key.private_openssh.splitlines()[1:-1]:
        assert line not in said.out
