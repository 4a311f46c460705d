"""Section 1.1: the files of control planes."""

from collections.abc import Iterator

from model.cis.item import MachineItem, MachineJudge
from model.cis.judges import Paths, below, existing, fixed, modes, named_by, owners
from model.cis.machine_facts import MachineFacts

PRIVATE = 0o600
STATIC_PODS = "/etc/kubernetes/manifests"
PKI = "/etc/kubernetes/pki"
ETCD = "etcd:etcd"
ADMINISTRATOR = existing("/etc/kubernetes/admin.conf", "/etc/kubernetes/super-admin.conf")


def items() -> Iterator[MachineItem]:
    """Yield the items of the section."""
    components = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
    for first, name in zip((1, 3, 5, 7), components, strict=True):
        yield from _pair(first, f"static pod {name}", fixed(f"{STATIC_PODS}/{name}.yaml"))
    yield from _pair(9, "pod network's files", _pod_network, automated=False)
    data = named_by("etcd", "data-dir")
    yield _item(
        11, "Permissions of etcd's data directory: 700 at most", "chmod 700", modes(data, 0o700)
    )
    yield _item(12, f"Owner of etcd's data directory: {ETCD}", f"chown {ETCD}", owners(data, ETCD))
    yield from _pair(13, "administrator's kubeconfigs", ADMINISTRATOR)
    yield from _pair(15, "scheduler's kubeconfig", named_by("kube-scheduler", "kubeconfig"))
    manager = named_by("kube-controller-manager", "kubeconfig")
    yield from _pair(17, "controller manager's kubeconfig", manager)
    yield _item(19, "Owner of the PKI's files and folders: root", "chown root:root", owners(_pki))
    certificates, keys = below(PKI, ".crt"), below(PKI, ".key", ".pem")
    yield _item(
        *(20, "Permissions of certificates: 644 at most", "chmod 644", modes(certificates, 0o644)),
        automated=False,
    )
    yield _item(
        *(21, "Permissions of keys: 600 at most", "chmod 600", modes(keys, PRIVATE)),
        automated=False,
    )


def _pair(first: int, what: str, paths: Paths, *, automated: bool = True) -> Iterator[MachineItem]:
    """Yield two items: what the files permit, and whom they belong to."""
    title, mode, owner = f"Permissions of the {what}", modes(paths, PRIVATE), owners(paths)
    yield _item(first, f"{title}: 600 at most", "chmod 600", mode, automated=automated)
    title = f"Owner of the {what}: root"
    yield _item(first + 1, title, "chown root:root", owner, automated=automated)


def _item(
    number: int, title: str, command: str, judge: MachineJudge, *, automated: bool = True
) -> MachineItem:
    remedy = f"On the machine: {command}, for each file that is named."
    return MachineItem(f"1.1.{number}", title, remedy, automated, judge, True)


def _pod_network(facts: MachineFacts) -> list[str]:
    found = facts.below("/etc/cni/net.d") + facts.below("/var/lib/cni")
    return [path for path in found if facts.files[path].kind == "f"]


def _pki(facts: MachineFacts) -> list[str]:
    return [PKI, *facts.below(PKI)]
