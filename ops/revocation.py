"""The end of one person's access: their CA on every control plane, and their bindings.

Everything is tried in every cluster and on every control plane in parallel; what cannot be reached
is named. What API servers publish for aggregated ones follows when they have read their files:
before that, they would publish the CA again.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from model.people import person_prefix
from model.pki import client_authorities
from ops.errors import OperatorError
from ops.hosts.inventory import InventoryMachine
from ops.hosts.operations import OPERATIONS
from ops.hosts.session import HostConnection
from ops.hosts.ssh_errors import Unreachable
from ops.kube import published_authorities
from ops.kube.client import Client, unless_missing
from ops.kube.errors import ApiError

PARALLEL = 32
REVOKE, RESTART = "revoke_client", "restart_api_server"
BINDINGS = ("clusterrolebindings", "rolebindings")
RBAC = "/apis/rbac.authorization.k8s.io/v1"
# How long a machine may take to answer.
PATIENCE_SECONDS = 10


@dataclass(frozen=True)
class Place:
    """A cluster, its control planes, their identities by name, and its API."""

    cluster: str
    control_planes: Sequence[InventoryMachine]
    machine_ids: dict[str, str]
    connect: Callable[[], Client]


@dataclass(frozen=True)
class Revoked:
    """The person whose access ends, and the CA that issued their certificates."""

    person: str
    authority_pem: str = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """The outcome at one place, a machine or a cluster; `failed` if it is still to be done."""

    place: str
    text: str
    failed: bool = False


def revoke(revoked: Revoked, places: Sequence[Place], *, cut: bool = False) -> list[Outcome]:
    """End a person's access to these clusters; with `cut`, end their open streams, too."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        began = [_begin(revoked, place, pool) for place in places]
        with ThreadPoolExecutor(PARALLEL) as finishing:
            finish = partial(_finish, revoked, cut=cut)
            outcomes = list(finishing.map(finish, places, began))
    return [outcome for of_cluster in outcomes for outcome in of_cluster]


@dataclass(frozen=True)
class _Begun:
    """What is under way in one cluster since the monotonic time `since`."""

    since: float
    bindings: Future[Outcome]
    machines: Sequence[Future[Outcome]]


def _begin(revoked: Revoked, place: Place, pool: ThreadPoolExecutor) -> _Begun:
    unbind = partial(_unbind, place, revoked.person)
    settings = {"AUTHORITY": revoked.authority_pem.strip()}
    return _Begun(
        monotonic(),
        pool.submit(_attempt, place.cluster, unbind),
        [
            pool.submit(_attempt, machine.name, partial(_run, place, machine, REVOKE, settings))
            for machine in place.control_planes
        ],
    )


def _finish(revoked: Revoked, place: Place, begun: _Begun, *, cut: bool) -> list[Outcome]:
    """Wait for what is under way in a cluster, and do what follows it."""
    ended = [future.result() for future in (*begun.machines, begun.bindings)]
    seconds = monotonic() - begun.since
    outcomes = [*ended, _attempt(place.cluster, partial(_publish, place, revoked))]
    if not any(outcome.failed for outcome in ended):
        outcomes.append(Outcome(place.cluster, f"access ended after {seconds:.1f} s"))
    return [*outcomes, *(_cut(place) if cut else ())]


def _attempt(place: str, work: Callable[[], str]) -> Outcome:
    try:
        return Outcome(place, work())
    except (OperatorError, ApiError) as error:
        return Outcome(place, str(error), failed=True)


def _run(place: Place, machine: InventoryMachine, call: str, more: dict[str, str]) -> str:
    if machine.name not in place.machine_ids:
        raise OperatorError(
            f"{machine.name}: its identity is not known, because the last run could not finish "
            f"{place.cluster}: run `fleet up` again"
        )
    settings = {
        "NODE_NAME": machine.name,
        "MACHINE_ID": place.machine_ids[machine.name],
        "NODE_ADDRESS": machine.address,
        **more,
    }
    connection = HostConnection(machine.name, machine.login)
    with connection.open(patience_seconds=PATIENCE_SECONDS) as session:
        said = session.run(call, OPERATIONS[call], settings).strip()
    return said.splitlines()[-1].strip() if said else "done"


def _unbind(place: Place, person: str) -> str:
    client = place.connect()
    paths = list(_bindings(client, person))
    for path in paths:
        _delete(client, path)
    return f"{len(paths)} bindings deleted"


def _delete(client: Client, path: str) -> None:
    unless_missing(lambda: client.delete(path))


def _bindings(client: Client, person: str) -> Iterator[str]:
    """Yield the paths of the person's bindings."""
    for kind in BINDINGS:
        for item in client.pages(f"{RBAC}/{kind}"):
            metadata = item["metadata"]
            if metadata["name"].startswith(person_prefix(person)):
                space = metadata.get("namespace")
                inside = f"/namespaces/{space}" if space else ""
                yield f"{RBAC}{inside}/{kind}/{metadata['name']}"


def _publish(place: Place, revoked: Revoked) -> str:
    """Have aggregated API servers no longer accept the CA."""
    client = place.connect()
    published = published_authorities.read(client).get(published_authorities.KEY, "")
    left = client_authorities.without(published, revoked.authority_pem) if published else ""
    if left == published:
        return "was not published for aggregated API servers"
    published_authorities.replace(client, {published_authorities.KEY: left})
    return "no longer published for aggregated API servers"


def _cut(place: Place) -> Iterator[Outcome]:
    """Restart the API servers one at a time; after one that does not come back, no other."""
    for machine in place.control_planes:
        try:
            yield Outcome(machine.name, _run(place, machine, RESTART, {}))
        except Unreachable as error:
            yield Outcome(machine.name, str(error), failed=True)
        except OperatorError as error:
            yield Outcome(machine.name, str(error), failed=True)
            return
