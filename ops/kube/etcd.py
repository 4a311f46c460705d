"""The members of a cluster's stacked etcd, read and changed through the Kubernetes API alone.

etcdctl runs in the etcd pod of any control plane that answers, with the certificate that kubeadm
issues for its own health checks; no machine has to be reached for it. A member may leave only while
the remaining members keep a majority.
https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/ha-topology/#stacked-etcd-topology
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from model import quorum
from ops.errors import OperatorError
from ops.kube.client import Client
from ops.kube.conditions import is_ready
from ops.kube.errors import ApiError
from ops.kube.exec import ExecError, run
from ops.wait import NotYet, wait_until

NAMESPACE = "kube-system"
SELECTOR = "component=etcd,tier=control-plane"
PKI = "/etc/kubernetes/pki/etcd"
ETCDCTL = (
    "etcdctl",
    "--endpoints=https://127.0.0.1:2379",
    f"--cacert={PKI}/ca.crt",
    f"--cert={PKI}/healthcheck-client.crt",
    f"--key={PKI}/healthcheck-client.key",
    "--dial-timeout=2s",
    "--write-out=json",
)
LIST = ("member", "list", "--command-timeout=4s")
# A dead member costs all of this time; a merely slow one is checked again.
HEALTH = ("endpoint", "health", "--cluster", "--command-timeout=2s")
REMOVE = ("member", "remove", "--command-timeout=4s")
EXEC_SECONDS = 8.0
# A member that has raised it takes part in consensus; `endpoint health` calls it unhealthy.
NO_SPACE = "NOSPACE"


@dataclass(frozen=True)
class Member:
    """A member: `id` in hexadecimal, `name` that of its Node ("" until its first start).

    `healthy` means that it takes part in the majority's consensus.
    """

    id: str
    name: str
    address: str
    learner: bool
    healthy: bool

    def __str__(self) -> str:
        kind = "learner, " if self.learner else ""
        state = "healthy" if self.healthy else "not healthy"
        return f"{self.name or 'not started'} ({self.address}, {kind}{state})"


def members(client: Client, *, besides: str = "") -> list[Member]:
    """Return the members as known to a majority of them, each with its current health.

    The pod of the Node `besides` is asked last. Raises OperatorError when none answers.
    """
    listed, checked = run_in_any_pod(client, besides, LIST, HEALTH)
    healthy = {endpoint["endpoint"] for endpoint in checked if _is_healthy(endpoint)}
    return [_member(member, healthy) for member in listed["members"]]


def _is_healthy(endpoint: Any) -> bool:
    alarms = endpoint.get("error", "").removeprefix("Active Alarm(s):").split()
    return bool(endpoint["health"]) or set(alarms) == {NO_SPACE}


def await_removable(
    client: Client, name: str, *, address: str, deadline_seconds: float
) -> list[Member]:
    """Wait until etcd can do without the members of the Node `name`, and return them.

    A member that never started has no name and is identified by the `address` of its machine.
    Raises OperatorError when the others do not become healthy enough.
    """

    def removable() -> list[Member]:
        if not _has(client, name, address):
            return []
        found = members(client, besides=name)
        leaving = of_machine(found, name, address)
        for member in leaving:
            if reason := refusal(found, member):
                raise NotYet(reason)
        return leaving

    return wait_until(
        removable,
        deadline_seconds,
        lambda reason: _removal_timeout(client, name, reason, deadline_seconds),
        passing=(OperatorError,),
    )


def remove_member(
    client: Client,
    name: str,
    *,
    address: str,
    deadline_seconds: float,
    leaving: Sequence[Member] = (),
) -> None:
    """Remove the members of the Node `name`, once etcd can do without them; there may be none.

    `leaving` is the last result of `await_removable`, if it was called.
    """

    def find() -> Sequence[Member]:
        return await_removable(client, name, address=address, deadline_seconds=deadline_seconds)

    def remove() -> None:
        nonlocal leaving
        while leaving := leaving or find():
            first, leaving = leaving[0], ()
            try:
                run_in_any_pod(client, name, (*REMOVE, first.id))
            except OperatorError as error:
                # etcd itself refuses while it is not sure of a majority of its own.
                raise NotYet(str(error)) from None

    wait_until(
        remove,
        deadline_seconds,
        lambda reason: _removal_timeout(client, name, reason, deadline_seconds),
    )


def of_machine(found: Iterable[Member], name: str, address: str) -> list[Member]:
    """Return the members of one machine: its own, and one at its address that never started."""
    return [
        member
        for member in found
        if member.name == name or (not member.name and member.address == address)
    ]


def refusal(found: Iterable[Member], leaving: Member) -> str | None:
    """Return why `leaving` must not leave now; None if the others keep their majority."""
    voters = {str(member): member.healthy for member in found if not member.learner}
    return quorum.removal_refusal(voters, str(leaving))


def _has(client: Client, name: str, address: str) -> bool:
    """Whether a machine has any member in etcd: cheaper than checking the health of all members."""
    (listed,) = run_in_any_pod(client, name, LIST)
    found = [_member(member, set()) for member in listed["members"]]
    return bool(of_machine(found, name, address))


def _removal_timeout(client: Client, name: str, reason: str, seconds: float) -> OperatorError:
    return OperatorError(
        f"removing {name} from etcd at {client.access.server} was not possible within "
        f"{seconds:.0f} s: {reason}. No member was removed. Fix the unhealthy members, or replace "
        "their machines first, then run `fleet up` again."
    )


def _member(listed: Any, healthy: set[str]) -> Member:
    peers, clients = listed.get("peerURLs", ()), listed.get("clientURLs", ())
    return Member(
        id=f"{listed['ID']:x}",
        name=listed.get("name", ""),
        address=next((urlsplit(url).hostname or "" for url in peers), ""),
        learner=listed.get("isLearner", False),
        healthy=any(url in healthy for url in clients),
    )


def run_in_any_pod(client: Client, besides: str, *commands: Sequence[str]) -> list[Any]:
    """Return etcdctl's output of the commands, all run in the first pod that answers."""
    reasons = []
    for pod in _pods(client, besides):
        try:
            return [_etcdctl(client, pod, command) for command in commands]
        except ExecError as error:
            reasons.append(str(error))
    raise OperatorError(
        f"no etcd pod at {client.access.server} responded: {'; '.join(reasons) or 'none exists'}"
    )


def _etcdctl(client: Client, pod: str, command: Sequence[str]) -> Any:
    finished = run(client, NAMESPACE, pod, [*ETCDCTL, *command], deadline_seconds=EXEC_SECONDS)
    try:
        # `endpoint health` fails when any member is unhealthy, and names it in its output.
        return json.loads(finished.output)
    except ValueError:
        reason = finished.errors.strip() or finished.output.strip()
        raise ExecError(f"{pod}: etcdctl {command[0]} {command[1]}: {reason}") from None


def _pods(client: Client, besides: str) -> list[str]:
    """Return the names of the etcd pods, those likely to answer first."""
    path = f"/api/v1/namespaces/{NAMESPACE}/pods"
    try:
        pods = list(client.pages(path, labelSelector=SELECTOR))
    except ApiError as error:
        raise client.explain("reading the etcd pods", error) from None
    pods.sort(key=lambda pod: (pod["spec"].get("nodeName") == besides, not is_ready(pod)))
    return [pod["metadata"]["name"] for pod in pods]
