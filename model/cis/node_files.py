"""Section 4.1: the files of kubelets and of kube-proxy."""

from collections.abc import Iterable, Iterator

from model.cis.item import MachineItem, MachineJudge
from model.cis.judges import Paths, existing, modes, named_by, owners
from model.cis.kubelet import NAME, value_of
from model.cis.machine_facts import MachineFacts, NotKnown

PRIVATE = 0o600


def items() -> Iterator[MachineItem]:
    """Yield the items of the section."""
    yield from _pair(1, "kubelet's service files", PRIVATE, _service)
    # kubeadm's kube-proxy has it in a ConfigMap, without a credential.
    of_proxy = existing("/etc/kubernetes/kube-proxy.conf", "/etc/kubernetes/proxy.conf")
    yield from _pair(3, "kube-proxy's kubeconfig", PRIVATE, of_proxy, automated=False)
    yield from _pair(5, "kubelet's kubeconfig", PRIVATE, named_by(NAME, "kubeconfig"))
    yield from _pair(7, "CA of the kubelet's clients", 0o644, _client_authority, automated=False)
    yield from _pair(9, "kubelet's config", PRIVATE, _config)


def _pair(
    first: int, what: str, limit: int, paths: Paths, *, automated: bool = True
) -> Iterator[MachineItem]:
    """Yield two items: what the files permit, and whom they belong to."""

    def item(number: int, title: str, command: str, judge: MachineJudge) -> MachineItem:
        remedy = f"On the machine: {command}, for each file that is named."
        return MachineItem(f"4.1.{number}", title, remedy, automated, judge, False)

    limited, owned = modes(paths, limit), owners(paths)
    yield item(first, f"Permissions of the {what}: {limit:o} at most", f"chmod {limit:o}", limited)
    yield item(first + 1, f"Owner of the {what}: root", "chown root:root", owned)


def _service(facts: MachineFacts) -> Iterable[str]:
    if not facts.units:
        raise NotKnown("the kubelet has no service")
    return facts.units


def _client_authority(facts: MachineFacts) -> Iterable[str]:
    path = value_of(facts, "authentication.x509.clientCAFile", "client-ca-file")
    return [path or "the file of clientCAFile"]


def _config(facts: MachineFacts) -> Iterable[str]:
    merged = [each.path for each in facts.documents if each.component == NAME]
    return [*named_by(NAME, "config")(facts), *merged]
