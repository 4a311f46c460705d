"""The end of one person's access: their CA on every control plane, and their bindings.

Everything is tried on every machine and in every cluster in parallel; what cannot be reached is
named.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ops.errors import OperatorError
from ops.hosts.inventory import InventoryMachine
from ops.hosts.operations import OPERATIONS
from ops.hosts.session import HostConnection
from ops.kube.client import Client, unless_missing
from ops.kube.errors import ApiError

PARALLEL = 32
CALL = "revoke_client"
BINDINGS = ("clusterrolebindings", "rolebindings")
RBAC = "/apis/rbac.authorization.k8s.io/v1"


@dataclass(frozen=True)
class Outcome:
    """The outcome at one place, a machine or a cluster; `failed` if it is still to be done."""

    place: str
    text: str
    failed: bool = False


def revoke(
    person: str,
    authority_pem: str,
    machines: Sequence[InventoryMachine],
    clients: Mapping[str, Callable[[], Client]],
) -> list[Outcome]:
    """Revoke a person's access on these control planes and in these clusters, by name."""
    tasks = [
        *(_task(machine.name, _distrust(machine, authority_pem)) for machine in machines),
        *(_task(name, _unbind(person, client)) for name, client in clients.items()),
    ]
    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(lambda task: task(), tasks))


def _task(place: str, work: Callable[[], str]) -> Callable[[], Outcome]:
    def run() -> Outcome:
        try:
            return Outcome(place, work())
        except (OperatorError, ApiError) as error:
            return Outcome(place, str(error), failed=True)

    return run


def _distrust(machine: InventoryMachine, authority_pem: str) -> Callable[[], str]:
    def run() -> str:
        settings = {"NODE_NAME": machine.name, "AUTHORITY": authority_pem.strip()}
        with HostConnection(machine.name, machine.login).open() as session:
            return session.run(CALL, OPERATIONS[CALL], settings).strip()

    return run


def _unbind(person: str, connected: Callable[[], Client]) -> Callable[[], str]:
    def run() -> str:
        client = connected()
        paths = list(_bindings(client, person))
        for path in paths:
            _delete(client, path)
        return f"{len(paths)} bindings deleted"

    return run


def _delete(client: Client, path: str) -> None:
    unless_missing(lambda: client.delete(path))


def _bindings(client: Client, person: str) -> Iterator[str]:
    """Yield the paths of the person's bindings."""
    for kind in BINDINGS:
        for item in client.pages(f"{RBAC}/{kind}"):
            metadata = item["metadata"]
            if metadata["name"].startswith(f"kubeadm-fleet:{person}:"):
                space = metadata.get("namespace")
                inside = f"/namespaces/{space}" if space else ""
                yield f"{RBAC}{inside}/{kind}/{metadata['name']}"
