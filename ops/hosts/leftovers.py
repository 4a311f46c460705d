"""Leftovers of an earlier cluster on a host, each with the command that removes it."""

from collections.abc import Iterator
from fnmatch import fnmatch

from model.machine import WORKER
from ops.hosts.facts import Facts

# How each other distribution is removed; a pattern of its service, and the command.
REMOVALS = {
    "k3s.service": "k3s-uninstall.sh",
    "k3s-agent.service": "k3s-agent-uninstall.sh",
    "rke2-*": "rke2-uninstall.sh",
    "k0s*": "k0s stop; k0s reset",
    "snap.microk8s.*": "snap remove --purge microk8s",
    "kubelet.service": "kubeadm reset --force; systemctl disable --now kubelet.service",
    "*": "systemctl disable --now {}",
}
# Interfaces of pod networks: flannel, Cilium, Calico, Weave Net, kube-router, and kube-proxy's.
LINKS = (
    "cni0", "flannel.1", "flannel-v6.1", "cilium_*", "vxlan.calico", "weave",
    "vxlan-6784", "kube-bridge", "kube-ipvs0", "nodelocaldns", "cali" + 11 * "[0-9a-f]",
)  # fmt: skip
# Container runtimes; their containers may be in use.
RUNTIMES = ("containerd.service", "docker.service", "crio.service")
ETCD = "/var/lib/etcd"
SHOWN = 3


def leftovers(facts: Facts, role: str) -> Iterator[str]:
    """Yield the leftovers that prevent a host from having this role."""
    for service in facts.services:
        first = " once nothing on this host needs its containers" if service in RUNTIMES else ""
        yield f"service {service} is running: run `{removal(service)}`{first}"
    if facts.packages:
        names = " ".join(facts.packages)
        yield (
            f"conflicting packages: {names}: kubeadm-fleet installs its own: run "
            f"`apt-get purge {names}`"
        )
    if facts.cni:
        paths = " ".join(facts.cni)
        yield (
            f"pod network of another installation: {paths}: pods would use it: run `rm {paths}`; "
            "with netavark, podman does not need them"
        )
    # A worker's own etcd does not concern the cluster.
    others = [path for path in facts.folders if path != ETCD or role != WORKER]
    folders = [path for path in others if path not in facts.volumes]
    if facts.volumes:
        paths = " ".join(facts.volumes)
        yield (
            f"volumes or containers of an earlier cluster are mounted in {paths}: deleting these "
            "folders now would delete the data in the volumes: run `reboot`, which unmounts them"
        )
    for path, target in facts.symlinks:
        if path != ETCD or role != WORKER:
            yield (
                f"folder {path} is a symbolic link to {target}, so the kubelet would not find "
                f"mounts in it: replace the link by a bind mount (in /etc/fstab: `{target} {path} "
                f"none bind`)"
            )
    if paths := " ".join((*facts.files, *folders)):
        yield f"leftovers of an earlier installation: {paths}: run `{_removal(facts, folders)}`"
    if links := [link for link in facts.links if _is_of_a_pod_network(link)]:
        commands = "; ".join(f"ip link delete {link}" for link in links)
        yield f"network interfaces of an earlier cluster: {' '.join(links)}: run `{commands}`"
    if facts.chains:
        more = f" and {len(facts.chains) - SHOWN} more" if len(facts.chains) > SHOWN else ""
        yield (
            f"firewall rules of an earlier cluster: chains {' '.join(facts.chains[:SHOWN])}{more}: "
            "it is unknown which of them are in use: run `reboot`, which removes them"
        )


def removal(service: str) -> str:
    """Return the command that removes a service of another installation."""
    command = next(text for name, text in REMOVALS.items() if fnmatch(service, name))
    return command.format(service)


def _removal(facts: Facts, folders: list[str]) -> str:
    """Return the command that removes files, and the content of folders: one may be a disk."""
    commands = [f"rm {' '.join(facts.files)}"] if facts.files else []
    if folders:
        commands.append(
            f"find {' '.join(folders)} -xdev -depth -mindepth 1 ! -path '*/lost+found*' -delete"
        )
    return "; ".join(commands)


def _is_of_a_pod_network(link: str) -> bool:
    return any(fnmatch(link, name) for name in LINKS)
