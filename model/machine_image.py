"""The recipe of container machines' images, and the names that follow from it.

An image is named by everything that determines it: the bundle and this recipe. So checkouts with
different recipes use the same cache, and each finds its own image.
"""

import hashlib

from model.artifacts.bundle import Bundle
from model.render import node_scripts
from model.render.containerd import RESTRICT_OOM, SYSTEMD_CGROUP
from model.render.machine_files import COMMON_FILES, table

BOOT = node_scripts.read("container-boot")
# What machines know of what is on them (scripts/node/install.sh): `artifacts` and `files` in the
# root that all share, the tables that differ by role beside it.
STATE = "var/lib/kubeadm-fleet"
# The folder of the tables that differ by role, beside the shared root.
ROLE_ARTIFACTS = "artifacts"

# What container-boot.sh corrects where a machine boots.
HOST_FACTS = {SYSTEMD_CGROUP: "false", RESTRICT_OOM: "false"}

PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "bash", "procps", "kmod",
    "iproute2", "iptables", "nftables", "conntrack", "ipset", "socat", "ethtool", "ca-certificates",
    "curl", "mount", "util-linux", "runc", "haproxy", "keepalived", "iputils-ping",
)  # fmt: skip
# What waits for a network, a clock, a disk or a console that a container does not have, what would
# change the host's kernel settings, and what an image that is made once never needs.
MASKED = (
    "systemd-networkd.service", "systemd-networkd.socket", "systemd-networkd-wait-online.service",
    "systemd-resolved.service", "systemd-timesyncd.service", "systemd-udevd.service",
    "systemd-udev-trigger.service", "systemd-logind.service", "getty.target",
    "console-getty.service", "ssh.socket", "nftables.service", "haproxy.service",
    "keepalived.service", "systemd-sysctl.service", "systemd-modules-load.service",
    "modprobe@.service", "systemd-remount-fs.service", "systemd-sysusers.service",
    "systemd-journal-flush.service", "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service", "systemd-tmpfiles-clean.timer", "dev-hugepages.mount",
    "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount",
    "sys-fs-fuse-connections.mount", "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer",
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer",
)  # fmt: skip
BOOT_UNIT = """\
[Unit]
Description=Make this container a place where Kubernetes runs
DefaultDependencies=no
After=local-fs.target
Before=containerd.service kubelet.service sysinit.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/kubeadm-fleet-boot

[Install]
WantedBy=sysinit.target
"""
# kubeadm starts the kubelet when it has written its configuration; after that, every boot does.
KUBELET_DROP_IN = """\
[Unit]
ConditionPathExists=/var/lib/kubelet/config.yaml
"""
# Known to the CRI plugin, and never removed by the kubelet (scripts/node/images.sh).
LABELS = (
    "--label", "io.cri-containerd.image=managed", "--label", "io.cri-containerd.pinned=pinned",
)  # fmt: skip


def base_name(codename: str) -> str:
    """Return the name of the plain root that images are made from.

    `codename` is the release of the host that makes it, such as "bookworm".
    """
    return f"base-{digest(codename, *PACKAGES, *MASKED)}"


def image_name(codename: str, bundle: Bundle) -> str:
    """Return the name of the image that this recipe makes of a bundle on such a host."""
    key = digest(
        codename, *PACKAGES, *MASKED, bundle.digest, table(COMMON_FILES), repr(HOST_FACTS), BOOT,
        BOOT_UNIT, KUBELET_DROP_IN, STATE, ROLE_ARTIFACTS, *LABELS,
    )  # fmt: skip
    return f"{bundle.kubernetes_version}-{key}"


def digest(*parts: str) -> str:
    """Return a short digest of everything that determines a root's content."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
