"""An existing host, enrolled as one machine.

Create logs in, rejects an unsuitable host (naming every problem), claims it for this fleet and
sends the files for its role; files that are already there are not sent again. Another login,
another address of the same host, another Kubernetes version or other artifacts are an update;
another table of its files alone is no change, since the rollout brings it to members. An
unreachable host gets nothing: the next `up` sends it. The state records what the host has, its
step `prepare` follows that, and its rollout skips it.

Another host (another address with another host key, or a reinstalled one) replaces it, and so does
another address of its Node, on which its etcd member and its certificates depend. Both hosts are
checked when that is decided: no host is released for one that would be refused
(ops/hosts/replacement.py). A host that does not answer a refresh is recorded as unreachable and
never treated as deleted. Delete restores the host's original state.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import pulumi
from pulumi.dynamic import DiffResult
from pulumi.runtime.rpc import contains_unknowns

from components.providers.base import (
    ProvidedResource,
    Provider,
    changed,
    require_known,
    require_present,
)
from components.providers.engine_log import EngineLog, warn
from components.providers.host_succession import (
    REPLACING,
    ExistingHostState,
    is_another_host,
    must_be_replaced,
)
from components.providers.host_visit import (
    ExistingHostInputs,
    artifacts_of,
    requirements,
    visit_to,
    written_paths,
)
from ops.errors import OperatorError
from ops.hosts.facts import FactsSummary
from ops.hosts.forgotten_hosts import FORGET, is_forgotten
from ops.kube.turns import coming_back

if TYPE_CHECKING:
    from ops.hosts.enrollment import Enrollment
    from ops.hosts.facts import Facts

# A host that has just started may not accept logins yet.
PATIENCE_SECONDS = 20

OWNED = "ours"
REINSTALLED = "another machine"
CAUSES = ("login", "fleet", "kubernetes_version", "source")
# Optional in the config.
OPTIONAL = ("mirror", "supplements")


class ExistingHostProvider(Provider[ExistingHostInputs, ExistingHostState]):
    """Enrolls hosts, sends their artifacts and restores them."""

    def _create(self, inputs: ExistingHostInputs) -> ExistingHostState:
        """Enroll the host; reset one that was declared lost and came back."""
        from ops.hosts import replacement

        with coming_back(inputs["machine"]), visit_to(inputs, PATIENCE_SECONDS) as visit:
            facts = visit.facts(written_paths(inputs))
            wanted = requirements(inputs, facts)
            if replacement.is_member_again(facts, wanted):
                replacement.reject_unknown_member(visit.where, facts, wanted)
                visit.reset(str(facts.identity))
                facts = visit.facts(written_paths(inputs))
            visit.reject_unfit(facts, wanted)
            for hint in visit.hints(facts, wanted):
                EngineLog("")(hint, ephemeral=False)
            return _sync_artifacts(visit, inputs, facts)

    def _id(self, state: ExistingHostState) -> str:
        return state["machine_id"]

    def _diff(self, olds: ExistingHostState, news: ExistingHostInputs) -> DiffResult:
        """Compare with the desired host; check a successor, and refuse an unfit one."""
        require_present(news, CAUSES)
        require_known(news, ("files", *({"supplements"} & news.keys())))
        replaces = changed(olds, news, REPLACING)
        is_another = olds["condition"] == REINSTALLED
        if is_another or is_another_host(olds["login"], news["login"]):
            replaces.append("login")
        if (
            replaces
            and not contains_unknowns(dict(news))
            and not must_be_replaced(olds, news, PATIENCE_SECONDS)
        ):
            replaces.remove("login")
        return DiffResult(
            changes=bool(replaces) or is_another or _is_changed(olds, news),
            replaces=replaces,
            delete_before_replace=True,
        )

    def _update(self, olds: ExistingHostState, news: ExistingHostInputs) -> ExistingHostState:
        """Log in with the new settings, verify the host's identity, and send its artifacts."""
        from ops.hosts.ssh_errors import Unreachable

        try:
            return _send(olds, news)
        except Unreachable as error:
            if changed(olds, news, ("login",)):
                raise
            warn(f"{news['machine']}: {error}. Nothing was sent: run `fleet up` once it answers")
            return {**olds, "condition": f"unreachable: {error}"}

    def _read(self, state: ExistingHostState) -> ExistingHostState:
        """Inspect the host; record whatever prevents the inspection."""
        from ops.hosts.ssh_errors import Unreachable

        try:
            with visit_to(state) as visit:
                facts = visit.inspect()
        except Unreachable as error:
            return {**state, "condition": f"unreachable: {error}"}
        same = facts.identity == state["machine_id"]
        return {
            **state,
            "condition": OWNED if same else REINSTALLED,
            "facts": facts.summary,
            "artifacts_digest": facts.artifacts_digest,
        }

    def _delete(self, state: ExistingHostState) -> None:
        """Restore the host; leave it alone if it is not the enrolled one."""
        from ops.hosts.ssh_errors import Unreachable

        if is_forgotten(state["machine"]):
            return
        try:
            with visit_to(state) as visit:
                if visit.inspect().identity == state["machine_id"]:
                    visit.reset(state["machine_id"])
        except Unreachable as error:
            raise OperatorError(
                f"{error}. The host was not released. If it is permanently lost, rerun the "
                f"same command with {FORGET}={state['machine']}"
            ) from None


def _is_changed(olds: ExistingHostState, news: ExistingHostInputs) -> bool:
    """Whether the settings, the bundle or what is on the host changed.

    A preview needs no bundle, so whether that changed may be unknown.
    """
    if changed(olds, news, CAUSES) or olds.get("mirror") != news.get("mirror"):
        return True
    try:
        desired = artifacts_of({**news, "files": olds["files"]}, olds["facts"]["arch"])
    except OperatorError:
        return False
    return bool(desired.digest != olds["artifacts_digest"])


def _send(olds: ExistingHostState, news: ExistingHostInputs) -> ExistingHostState:
    """Send the artifacts to the host, if it is still the enrolled one."""
    with visit_to(news, PATIENCE_SECONDS) as visit:
        facts = visit.inspect()
        if facts.identity != olds["machine_id"]:
            raise OperatorError(
                f"{news['machine']}: {visit.login.host} is not the machine that was "
                "enrolled, or it was reinstalled: run `fleet refresh`, then "
                "`fleet up`, which replaces it"
            )
        former, fleet = olds["fleet"], news["fleet"]
        if former != fleet and facts.claim is not None and facts.claim.fleet == former:
            visit.reassign(olds["machine_id"], former, fleet)
        return _sync_artifacts(visit, news, facts)


def _sync_artifacts(
    visit: "Enrollment", inputs: ExistingHostInputs, facts: "Facts"
) -> ExistingHostState:
    claim, have = visit.take(inputs["fleet"], uuid4().hex[:8])
    desired = artifacts_of(inputs, facts.arch)
    machine_id = f"{facts.machine_id}-{claim.mark}"
    visit.sync_artifacts(machine_id, desired, have)
    return {
        **inputs,
        "machine_id": machine_id,
        "facts": facts.summary,
        "artifacts_digest": desired.digest,
        "condition": OWNED,
    }


@dataclass(frozen=True)
class ExistingHostArgs:
    """A host and its machine; `fleet` is the name under which the fleet claims hosts.

    `host_key_check` is shown by a preview: "off" if any host key is trusted. `files` is the
    checksum of the table of the machine's files, `networks` the cluster's pod and Service network
    by their keys in the config, unless the host may need them for something else. `address` is the
    machine's; `swap` is whether its kubelet accepts swap, and `own_resolver` whether it has a
    setting for the file that pods have their nameservers from. `supplements` are those of its
    bundle, None if there are none.
    """

    fleet: pulumi.Input[str]
    machine: str
    role: str
    kubernetes_version: str
    source: str
    mirror: str | None
    sums: Mapping[str, str] | None
    login: Mapping[str, object]
    host_key_check: str
    endpoint_port: int | None
    networks: Mapping[str, str]
    address: str
    swap: bool
    own_resolver: bool
    files: str
    supplements: list[str] | None


class ExistingHost(ProvidedResource, module="kubeadm-fleet", name="ExistingHost"):
    """An enrolled host: `machine_id` (new after every reinstallation), `facts`, `condition`."""

    kubernetes_version: pulumi.Output[str]
    machine_id: pulumi.Output[str]
    facts: pulumi.Output[FactsSummary]
    artifacts_digest: pulumi.Output[str]
    condition: pulumi.Output[str]

    def __init__(
        self, name: str, args: ExistingHostArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(ExistingHostProvider(), name, args, opts)
