"""The end of one person's access: their CA on every control plane, and their bindings.

Everything is tried in every cluster and on every control plane in parallel; what cannot be reached
is named, and holds nothing else up. What API servers publish for aggregated ones follows when they
have read their files: one that has not would publish the CA again.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic

from model.people import person_prefix
from model.pki import client_authorities
from model.plural import counted
from ops.errors import OperatorError
from ops.hosts.inventory import InventoryMachine
from ops.hosts.operations import OPERATIONS
from ops.hosts.session import HostConnection
from ops.hosts.ssh_errors import Unreachable
from ops.kube import published_authorities
from ops.kube.client import Client, unless_missing
from ops.kube.errors import ApiError, Unavailable

PARALLEL = 32
REVOKE, RESTART = "revoke_client", "restart_api_server"
# What scripts/node/revocation.sh prints first when the CA was there.
REMOVED = "removed"
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
    """The outcome at one place, a machine or a cluster; `failed` if it is still to be done.

    `had_access` says that the person had something there, `reached` that the place answered.
    """

    place: str
    text: str
    failed: bool = False
    had_access: bool = field(default=True, compare=False)
    reached: bool = field(default=True, compare=False)


def revoke(revoked: Revoked, places: Sequence[Place], *, cut: bool = False) -> list[Outcome]:
    """End a person's access to these clusters; with `cut`, end their open streams, too."""
    with ThreadPoolExecutor(PARALLEL) as apis, ThreadPoolExecutor(PARALLEL) as machines:
        began = [_begin(revoked, place, apis, machines) for place in places]
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


def _begin(
    revoked: Revoked, place: Place, apis: ThreadPoolExecutor, machines: ThreadPoolExecutor
) -> _Begun:
    return _Begun(
        monotonic(),
        apis.submit(_attempt, place.cluster, partial(_unbind, place, revoked.person)),
        [
            machines.submit(_attempt, machine.name, partial(_refuse, revoked, place, machine))
            for machine in place.control_planes
        ],
    )


def _finish(revoked: Revoked, place: Place, begun: _Begun, *, cut: bool) -> list[Outcome]:
    """Wait for what is under way in a cluster, and do what follows it."""
    bindings = begun.bindings.result()
    machines = [_with_consequence(revoked, future.result()) for future in begun.machines]
    seconds = monotonic() - begun.since
    ended = [*machines, bindings]
    all_refuse = not any(outcome.failed for outcome in machines)
    if bindings.reached:
        publish = partial(_publish, place, revoked, wait=all_refuse)
        published = _attempt(place.cluster, publish)
        if published != bindings:
            ended.append(published)
    outcomes = [outcome for outcome in ended if outcome.had_access]
    if all_refuse and not bindings.failed:
        text = f"the access of {revoked.person} ended after {seconds:.1f} s"
        if not outcomes:
            text = f"{revoked.person} has no access"
        outcomes.append(Outcome(place.cluster, text))
    return [*outcomes, *(_cut(place, machines) if cut else ())]


def _attempt(place: str, work: Callable[[], Outcome]) -> Outcome:
    try:
        return work()
    except (Unreachable, Unavailable) as error:
        return Outcome(place, str(error), failed=True, reached=False)
    except (OperatorError, ApiError) as error:
        return Outcome(place, str(error), failed=True)


def _refuse(revoked: Revoked, place: Place, machine: InventoryMachine) -> Outcome:
    """Have the API server of a control plane refuse the person's certificates."""
    said = _run(place, machine, REVOKE, {"AUTHORITY": revoked.authority_pem.strip()})
    how, _, seconds = said.partition(" ")
    person, had_access = revoked.person, how == REMOVED
    text = f"certificates of {person} are refused"
    if had_access:
        text += f", {seconds} s after their CA was removed"
    return Outcome(machine.name, text, had_access=had_access)


def _with_consequence(revoked: Revoked, outcome: Outcome) -> Outcome:
    """Say what it means that a control plane could not be changed."""
    if not outcome.failed:
        return outcome
    return replace(
        outcome,
        text=f"{outcome.text}\n  If its API server runs, it may still accept certificates of "
        f"{revoked.person}. What they may do there ends with their bindings; to shut them out, "
        "stop the machine or close its port 6443 until this has been done",
    )


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


def _unbind(place: Place, person: str) -> Outcome:
    client = place.connect()
    paths = list(_bindings(client, person))
    for path in paths:
        _delete(client, path)
    text = f"{counted(len(paths), 'binding')} of {person} deleted"
    return Outcome(place.cluster, text, had_access=bool(paths))


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


def _publish(place: Place, revoked: Revoked, *, wait: bool) -> Outcome:
    """Have aggregated API servers no longer accept the CA.

    Without `wait`, it is tried once: an API server that still knows the CA publishes it again.
    """
    client = place.connect()
    published = published_authorities.read(client).get(published_authorities.KEY, "")
    left = client_authorities.without(published, revoked.authority_pem) if published else ""
    its = f"the CA of {revoked.person}"
    if left == published:
        text = f"{its} was not published for aggregated API servers"
        return Outcome(place.cluster, text, had_access=False)
    texts = {published_authorities.KEY: left}
    if wait:
        published_authorities.replace(client, texts)
        return Outcome(place.cluster, f"{its} is no longer published for aggregated API servers")
    published_authorities.publish(client, texts)
    return Outcome(
        place.cluster,
        f"{its} is published for aggregated API servers again by every control plane that is left",
        failed=True,
    )


def _cut(place: Place, refused: Sequence[Outcome]) -> Iterator[Outcome]:
    """Restart the API servers one at a time; after one that does not come back, no other.

    What could not be reached before is not waited for again.
    """
    silent = {outcome.place for outcome in refused if not outcome.reached}
    for machine in place.control_planes:
        if machine.name in silent:
            yield Outcome(machine.name, "its API server was not restarted", failed=True)
            continue
        try:
            yield Outcome(machine.name, _run(place, machine, RESTART, {}))
        except Unreachable as error:
            yield Outcome(machine.name, str(error), failed=True)
        except OperatorError as error:
            yield Outcome(machine.name, str(error), failed=True)
            return
