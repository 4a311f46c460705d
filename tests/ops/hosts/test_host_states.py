"""States in which people's hosts are: refused with a remedy, or of no consequence."""

import pytest

from components.providers.existing_host import ExistingHostProvider
from model.artifacts.bundle import Bundle
from model.render.machine_files import COMMON_FILES, table
from ops.errors import OperatorError
from ops.hosts import content
from tests.ops.hosts.bare import USER
from tests.ops.hosts.bare_hosts import BareHost
from tests.ops.hosts.bundles import wanted
from tests.ops.hosts.steps import prepare

pytestmark = [pytest.mark.root, pytest.mark.slow]
HOSTS = ExistingHostProvider()

UNSUITABLE = rf"""
mkdir -p /etc/cni/net.d /etc/containerd /data/kubelet /run/containerd/io/x
touch /etc/cni/net.d/05-x.conflist /etc/containerd/config.toml
chmod 700 /etc/cni/net.d /etc/containerd
ln -s /data/kubelet /var/lib/kubelet
mount -t tmpfs none /run/containerd/io/x
cd /etc/systemd/system
printf '[Service]\nExecStart=sleep inf\n[Install]\nWantedBy=multi-user.target\n' >k3s.service
printf '[Swap]\nWhat=/swap.img\n' >swap.img.swap
mkdir swap.target.wants kubelet.service.d
ln -s ../swap.img.swap swap.target.wants
printf '[Service]\nEnvironment=X=1\n' >kubelet.service.d/20-cloud.conf
systemctl daemon-reload
systemctl enable --quiet k3s
echo net.ipv4.ip_forward=0 >/etc/sysctl.d/99-z.conf
sed -i '1i echo Welcome' /home/{USER}/.bashrc
echo nameserver 127.0.0.1 >/etc/resolv.conf
"""

HARMLESS = f"""
echo MaxSessions 1 >/etc/ssh/sshd_config.d/one.conf
systemctl restart ssh
echo 'proxy = "http://127.0.0.1:9"' >/root/.curlrc
printf '%s\\n' KUBECONFIG=/root/x TAR_OPTIONS=-z CONTAINERD_ADDRESS=/run/x >>/etc/environment
echo 'Defaults secure_path="/usr/sbin:/usr/bin:/sbin:/bin"' >/etc/sudoers.d/path
echo 'umask 077' >>/etc/bash.bashrc
hostnamectl hostname Host-0.Example.COM 2>/dev/null || echo Host-0.Example.COM >/etc/hostname
chmod 700 /root /home/{USER}
mount -t tmpfs -o noexec none /tmp
"""


def test_what_fails_later_is_refused_with_a_remedy(host: BareHost, bundle: Bundle) -> None:
    host.shell(UNSUITABLE)
    with pytest.raises(OperatorError) as refusal:
        HOSTS.create(wanted(host, files=content.put(table(COMMON_FILES))))
    said = str(refusal.value)
    for part in (
        "login: the shell prints 'Welcome' before the output of commands",
        "run `rm /etc/cni/net.d/05-x.conflist`",
        "rm /etc/containerd/config.toml /etc/systemd/system/kubelet.service.d/20-cloud.conf",
        "folder /var/lib/kubelet is a symbolic link to /data/kubelet",
        "volumes or containers of an earlier cluster are mounted in /run/containerd: ",
        "service k3s.service is stopped, but starts at the next boot: run `k3s-uninstall.sh`",
        "swap: swap.img.swap is switched off until the next boot: run `systemctl mask 'swap.img",
        "kernel setting net.ipv4.ip_forward=0 in /etc/sysctl.d/99-z.conf would replace",
        "nameserver 127.0.0.1 in /etc/resolv.conf is the host's own",
    ):
        assert part in said
    assert len(said.splitlines()) == 11, said


def test_what_a_person_may_have_is_of_no_consequence(host: BareHost, bundle: Bundle) -> None:
    host.shell(HARMLESS)
    HOSTS.create(wanted(host))
    ran = prepare(host)
    assert ran.status == 0, ran.said
    assert host.shell("systemctl is-active containerd").strip() == "active"
