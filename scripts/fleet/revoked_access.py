"""Whose access has been revoked, in which cluster, and is still in the stack's file.

What a cluster publishes as the CAs of its clients says whether it accepts a person's certificates.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click
from cryptography import x509

from model.access import access_to, revoked_in
from model.config.resolved_cluster import ResolvedCluster
from model.people import authority_name, how_to_grant
from ops.errors import OperatorError
from ops.pulumi.deployment import Deployment
from ops.pulumi.workspace import open_workspace

ANSWER_SECONDS = 3
PARALLEL = 16
Authorities = frozenset[x509.Certificate]


def read(
    stack: str, files: Sequence[Path], state: Deployment | None = None, *, marked: bool = True
) -> list[str]:
    """Return a line for each revoked person and cluster; the stack's file need not be readable.

    Without `marked`, none for those whom the file says to be revoked.
    """
    from scripts.fleet.engine_run import existing_engine
    from scripts.fleet.explanation import clusters_of

    try:
        clusters = clusters_of(open_workspace(stack).tracked_config)
    except OperatorError:
        # `fleet status` says why.
        return []
    if not any(access_to(found) or revoked_in(found) for found in clusters.values()):
        return []
    state = state or existing_engine(stack).deployment()
    found = lines(clusters, authorities_of(state), accepted(files), stack)
    return [line.text for line in found if marked or not line.is_marked]


def warn(stack: str, files: Sequence[Path], state: Deployment) -> None:
    """Name on stderr whose access the file does not say to be revoked."""
    for line in read(stack, files, state, marked=False):
        click.echo(f"fleet: {line}", err=True)


@dataclass(frozen=True)
class Line:
    """What is said of a person in one cluster; `is_marked` if the stack's file has `revoked`."""

    text: str
    is_marked: bool


def lines(
    clusters: Mapping[str, ResolvedCluster],
    authorities: Mapping[str, x509.Certificate],
    accepted_by: Mapping[str, Authorities],
    stack: str,
) -> Iterator[Line]:
    """Yield a line for each person that is revoked in a cluster, of those that answered.

    `authorities` are the CAs in the state, by person.
    """
    for name, cluster in clusters.items():
        if name not in accepted_by:
            continue
        for person in revoked_in(cluster):
            is_accepted = authorities.get(person) in accepted_by[name]
            advice = _still(person, stack) if is_accepted else how_to_grant(person)
            yield Line(f"{name}: {person}: {advice}", is_marked=True)
        for person in access_to(cluster):
            if person in authorities and authorities[person] not in accepted_by[name]:
                yield Line(f"{name}: {person}: {_unmarked(person, stack)}", is_marked=False)


def _still(person: str, stack: str) -> str:
    return (
        "people.users has `revoked: true`, but certificates are accepted: run "
        f"`fleet revoke {person} -s {stack}`, or `fleet up {stack}`"
    )


def _unmarked(person: str, stack: str) -> str:
    return (
        "certificates are not accepted, as after `fleet revoke`, but people.users gives access. "
        f"Set `revoked: true` in people.users.{person} and run `fleet up {stack}`; to grant the "
        f"access again, then remove `revoked` and run `fleet up {stack}` once more"
    )


def authorities_of(state: Deployment) -> dict[str, x509.Certificate]:
    """Return the CAs of the people in a state, by person."""
    people = state.outputs.get("people") or {}
    return {
        person: x509.load_pem_x509_certificate(
            state.authority(authority_name(person)).cert_pem.encode()
        )
        for person in people
    }


def accepted(files: Iterable[Path]) -> dict[str, Authorities]:
    """Return the CAs whose client certificates each cluster accepts, of those that answer."""
    from scripts.fleet.kubeconfig import read_clusters

    clusters = dict(pair for path in files for pair in read_clusters(path).items())
    with ThreadPoolExecutor(PARALLEL) as pool:
        found = pool.map(_published, clusters.values())
        return {name: known for name, known in zip(clusters, found, strict=True) if known}


def _published(kubeconfig: str) -> Authorities | None:
    from ops.kube import published_authorities
    from ops.kube.client import Client
    from ops.kube.errors import ApiError

    try:
        client = Client(kubeconfig).limited(retries=0, seconds=ANSWER_SECONDS)
        text = published_authorities.read(client)[published_authorities.KEY]
        return frozenset(x509.load_pem_x509_certificates(text.encode()))
    except (ApiError, KeyError, ValueError):
        return None
