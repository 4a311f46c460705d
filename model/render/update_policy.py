"""What automatic updates of a host leave alone: the programs that its cluster runs on.

unattended-upgrades matches each name of its list as a regular expression from its beginning, and
adds up the lists of all files; of other settings, the last file counts.
https://github.com/mvo5/unattended-upgrades/blob/master/README.md

On Ubuntu, needrestart restarts services after every update. These would be restarted on all
machines of a cluster at the same time, and the load balancer's connections cut.
https://github.com/liske/needrestart/blob/master/README.md
"""

# Packages of Kubernetes and its runtime, which may be there beside the program's own, and those
# that the program installs on machines; `fleet patch` updates the latter, machine by machine.
PACKAGES = (
    *("kubelet", "kubeadm", "kubectl", "kubernetes-cni", "cri-tools"),
    *("containerd", "containerd.io", "runc", "haproxy", "keepalived"),
)
SERVICES = ("containerd", "kubelet", "kubeadm-fleet-haproxy", "kubeadm-fleet-keepalived")


def _pattern(package: str) -> str:
    return "^" + package.replace(".", "[.]") + "$"


_LIST = "\n".join(f'  "{_pattern(package)}";' for package in PACKAGES)
UNATTENDED_UPGRADES = f"""\
// Written by kubeadm-fleet: `fleet patch` updates and reboots the machines of a cluster in turns.
Unattended-Upgrade::Package-Blacklist {{
{_LIST}
}};
Unattended-Upgrade::Automatic-Reboot "false";
"""

NEEDRESTART = "# Written by kubeadm-fleet: restarts are up to `fleet patch`.\n" + "".join(
    f"$nrconf{{override_rc}}->{{qr(^{service}\\.service$)}} = 0;\n" for service in SERVICES
)
