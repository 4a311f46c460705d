"""Visits to an existing host: what the inputs of its provider say about it, for `ops.hosts`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NotRequired, TypedDict

from components.providers.engine_log import this_run
from ops.errors import OperatorError
from ops.hosts.login import Login, LoginProps

if TYPE_CHECKING:
    from ops.hosts.artifacts import HostArtifacts
    from ops.hosts.enrollment import Enrollment
    from ops.hosts.facts import Facts
    from ops.hosts.preflight import HostRequirements


class ExistingHostInputs(TypedDict):
    """The host as the provider gets it."""

    fleet: str
    machine: str
    role: str
    address: str
    kubernetes_version: str
    source: str
    mirror: NotRequired[str]
    sums: NotRequired[Mapping[str, str]]
    login: LoginProps
    host_key_check: str
    endpoint_port: NotRequired[float]
    networks: NotRequired[Mapping[str, str]]
    swap: NotRequired[bool]
    own_resolver: NotRequired[bool]
    files: str
    supplements: NotRequired[list[str]]


@contextmanager
def visit_to(inputs: ExistingHostInputs, patience_seconds: float = 0) -> "Iterator[Enrollment]":
    """Log in to the host. Raises Unreachable."""
    from ops.hosts.enrollment import Enrollment
    from ops.hosts.ssh import connected

    login = Login.from_props(inputs["login"])
    with connected(login, patience_seconds=patience_seconds) as connection:
        yield Enrollment(connection, name=inputs["machine"])


def artifacts_of(inputs: ExistingHostInputs, arch: str) -> "HostArtifacts":
    """Return what is sent to the host."""
    from ops.hosts import artifacts

    return artifacts.for_host(
        source=inputs["source"],
        mirror=inputs.get("mirror"),
        sums=inputs.get("sums", {}),
        kubernetes_version=inputs["kubernetes_version"],
        arch=arch,
        role=inputs["role"],
        supplements=inputs.get("supplements", ()),
    ).with_table(inputs["files"])


def requirements(inputs: ExistingHostInputs, facts: "Facts") -> "HostRequirements":
    """Return what a host needs to become this machine."""
    from ops.hosts.enrollment import wanted

    port = inputs.get("endpoint_port")
    return wanted(
        inputs["role"],
        inputs["fleet"],
        inputs["machine"],
        disk=_disk(inputs, facts),
        endpoint_port=None if port is None else int(port),
        networks=inputs.get("networks", {}),
        address=inputs["address"],
        swap=inputs.get("swap", False),
        own_resolver=inputs.get("own_resolver", False),
        written=written_paths(inputs),
    )


def written_paths(inputs: ExistingHostInputs) -> list[str]:
    """Paths of the binaries and files of the host, so that foreign ones are not overwritten."""
    from model.artifacts.upstream import downloads
    from model.render.machine_files import paths_of
    from ops.hosts import content

    binaries = downloads(inputs["kubernetes_version"], "amd64", None)
    return [*(binary.install for binary in binaries), *paths_of(content.get(inputs["files"]))]


def _disk(inputs: ExistingHostInputs, facts: "Facts") -> int:
    """Return the size of the host's artifacts; a preview need not know them."""
    if not _is_known(facts):
        return 0
    try:
        return int(artifacts_of(inputs, facts.arch).disk)
    except OperatorError:
        if this_run().is_preview:
            return 0
        raise


def _is_known(facts: "Facts") -> bool:
    from model.well_known import ARCHITECTURES

    return facts.arch in ARCHITECTURES.values()
