"""An existing host, taken over as one machine.

Create logs in, rejects an unsuitable host (naming every problem), claims it for this fleet and
sends the files for its role; files that are already there are not sent again. Another login,
another address of the same host, another Kubernetes version or other artifacts are an update.
Another host (another address with another host key, or a reinstalled one, as found by a refresh)
replaces it. A host that does not answer a refresh is recorded as unreachable and never treated as
deleted. Delete restores the host's original state.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from components.providers.base import NotKnown, Provider, require_present
from ops.errors import OperatorError

if TYPE_CHECKING:
    from ops.hosts.artifacts import HostArtifacts
    from ops.hosts.enrollment import Enrollment
    from ops.hosts.facts import Facts

# A host that has just started may not accept logins yet.
PATIENCE_SECONDS = 20
# Comma-separated names of machines whose hosts are permanently lost.
FORGET = "KUBEADM_FLEET_FORGET_HOSTS"

OWNED = "ours"
REINSTALLED = "another machine"
CAUSES = ("login", "owner", "kubernetes_version", "source", "mirror")
# Optional in the config.
OPTIONAL = ("mirror",)


class ExistingHostProvider(Provider):
    """Takes hosts over, sends their artifacts and restores them."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Take the host over."""
        from ops.hosts.enrollment import wanted

        with _visit(props, PATIENCE_SECONDS) as visit:
            facts = visit.facts(_written(props))
            fleet, machine = _fleet(props["owner"]), props["machine"]
            disk = _supplies(props, facts.arch).disk if _is_known(facts) else 0
            port = props.get("endpoint_port")
            port = None if port is None else int(port)
            visit.reject_unfit(facts, wanted(props["role"], fleet, machine, disk, port))
            outs = _supply(visit, props, facts)
        return CreateResult(id_=outs["machine_id"], outs=outs)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Compare with the desired host, without connecting to it."""
        require_present(news, (key for key in CAUSES if key not in OPTIONAL))
        replaces = [key for key in ("role", "machine") if olds[key] != news[key]]
        if olds["condition"] == REINSTALLED or _is_another_host(olds, news):
            replaces.append("login")
        changed = any(olds.get(key) != news.get(key) for key in CAUSES)
        return DiffResult(
            changes=bool(replaces) or changed or _needs_supplies(olds, news),
            replaces=replaces,
            delete_before_replace=True,
        )

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Log in with the new settings, verify the host's identity, and send its artifacts."""
        with _visit(news, PATIENCE_SECONDS) as visit:
            facts = visit.look()
            if _identity(facts) != olds["machine_id"]:
                raise OperatorError(
                    f"{news['machine']}: {visit.login.host} is another machine than the one that "
                    "was taken over, or it was reinstalled: run `pulumi refresh`, then "
                    "`pulumi up`, which replaces it"
                )
            former, fleet = _fleet(olds["owner"]), _fleet(news["owner"])
            if former != fleet and facts.claim is not None and facts.claim.fleet == former:
                visit.reassign(former, fleet)
            return UpdateResult(outs=_supply(visit, news, facts))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Inspect the host; record whatever prevents the inspection."""
        from ops.hosts.ssh import Unreachable

        try:
            with _visit(props) as visit:
                facts = visit.look()
        except Unreachable as error:
            return ReadResult(id_=id_, outs={**props, "condition": f"unreachable: {error}"})
        same = _identity(facts) == props["machine_id"]
        found = {"condition": OWNED if same else REINSTALLED, "facts": facts.summary}
        return ReadResult(id_=id_, outs={**props, **found, "supplies": facts.supplies})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Restore the host; leave it alone if it is not the one that was taken over."""
        from ops.hosts.ssh import Unreachable

        if props["machine"] in os.environ.get(FORGET, "").split(","):
            return
        try:
            with _visit(props) as visit:
                if _identity(visit.look()) == props["machine_id"]:
                    visit.reset()
        except Unreachable as error:
            raise OperatorError(
                f"{error}. The host was not given back. If it is permanently lost, rerun the "
                f"same command with {FORGET}={props['machine']}"
            ) from None


def _is_another_host(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether the config now names another host; one that only moved keeps its host key."""
    before, after = olds["login"], news["login"]
    if not isinstance(after, Mapping):
        raise NotKnown("login")
    moved = (before["host"], before["port"]) != (after["host"], after["port"])
    pinned = after.get("host_key")
    return moved and (pinned is None or before.get("host_key") != pinned)


def _needs_supplies(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether the bundle changed. A preview needs no bundle, so it may be unknown."""
    try:
        return bool(_supplies(news, olds["facts"]["arch"]).digest != olds["supplies"])
    except OperatorError:
        return False


def _supply(visit: "Enrollment", props: dict[str, Any], facts: "Facts") -> dict[str, Any]:
    claim, have = visit.take(_fleet(props["owner"]), uuid4().hex[:8])
    supplies = _supplies(props, facts.arch)
    visit.sync_artifacts(supplies, have)
    return {
        **props,
        "machine_id": f"{facts.machine_id}-{claim.mark}",
        "facts": facts.summary,
        "supplies": supplies.digest,
        "condition": OWNED,
    }


def _supplies(props: Mapping[str, Any], arch: str) -> "HostArtifacts":
    from ops.hosts import artifacts as supplies

    return supplies.for_host(
        source=props["source"],
        mirror=props.get("mirror"),
        kubernetes_version=props["kubernetes_version"],
        arch=arch,
        role=props["role"],
    )


def _written(props: Mapping[str, Any]) -> list[str]:
    """Paths of the installed binaries, so that foreign ones are not overwritten."""
    from model.artifacts.upstream import downloads

    return [each.install for each in downloads(props["kubernetes_version"], "amd64", None)]


def _is_known(facts: "Facts") -> bool:
    from model.well_known import ARCHITECTURES

    return facts.arch in ARCHITECTURES.values()


def _identity(facts: "Facts") -> str | None:
    """Identify an installation: a reinstalled host is another machine, even with its machine-id."""
    return f"{facts.machine_id}-{facts.claim.mark}" if facts.claim else None


def _fleet(owner: str) -> str:
    from hashlib import sha256

    return sha256(owner.encode()).hexdigest()[:16]


@contextmanager
def _visit(props: Mapping[str, Any], patience_seconds: float = 0) -> "Iterator[Enrollment]":
    from ops.hosts.enrollment import Enrollment
    from ops.hosts.login import Login
    from ops.hosts.ssh import connected

    login = Login.from_props(props["login"])
    with connected(login, patience_seconds=patience_seconds) as connection:
        yield Enrollment(connection, name=props["machine"])


class ExistingHost(Resource, module="kubeadm-fleet", name="ExistingHost"):
    """A host taken over: `machine_id` (new after every reinstallation), `facts`, `condition`."""

    machine_id: pulumi.Output[str]
    facts: pulumi.Output[dict[str, Any]]
    supplies: pulumi.Output[str]
    condition: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        owner: pulumi.Input[str],
        machine: str,
        role: str,
        kubernetes_version: str,
        source: str,
        mirror: str | None,
        login: Mapping[str, Any],
        is_pinned: bool,
        endpoint_port: int | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            ExistingHostProvider(),
            name,
            {
                "owner": owner,
                "machine": machine,
                "role": role,
                "kubernetes_version": kubernetes_version,
                "source": source,
                "mirror": mirror,
                "login": dict(login),
                # Shown by a preview: "off" if any host key is trusted.
                "host_key_check": "pinned" if is_pinned else "off",
                "endpoint_port": endpoint_port,
                "machine_id": None,
                "facts": None,
                "supplies": None,
                "condition": None,
            },
            opts,
        )
