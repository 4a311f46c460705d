"""What a rollout will do, for its preview: from its inputs and what its cluster records."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NotRequired, TypedDict

from components.providers.hold import Hold
from model.pki.certificates import KeyPairProps
from ops.hosts.login import LoginProps
from ops.kube.identity import Identity, IdentityMissing, connect
from ops.rollout.cluster_change import ClusterChange
from ops.rollout.inputs import ClusterInputs

if TYPE_CHECKING:
    from ops.rollout.cluster_nodes import ClusterNodes
    from ops.rollout.observed import MachineSummary
    from ops.rollout.preview import Drift
    from ops.rollout.record import RolloutRecord
    from ops.rollout.unavailable import Unavailable

# How long a check waits for the cluster's record: a silent endpoint must not hold previews up.
RECORD_SECONDS = 3


class Policy(TypedDict):
    """How running machines are changed; `pool_limits` are those of pools with their own."""

    max_unavailable: float
    pool_limits: Mapping[str, float]
    drain_seconds: float
    force: bool


class RolloutInputs(ClusterInputs):
    """The rollout as the provider gets it.

    `authority` is the cluster's CA, and `trust` are the settings of model/pki/trust.py, which only
    create and update have. `acknowledged` is why a rotation may cut off pods, `immediate` is
    the subject whose rotation waits for nobody. `check` adds
    `waiting`, `wanted` (the cluster's inputs while they wait, else empty), `plan`, `unfinished` and
    `recorded` ("" if there is none, or if the API does not answer); `read` adds `drift`.
    """

    urn: str
    shared_login: LoginProps
    logins: dict[str, LoginProps]
    identity: Identity
    authority: NotRequired[KeyPairProps]
    trust: NotRequired[Mapping[str, str]]
    acknowledged: str
    immediate: str
    policy: Policy
    held_by: list[Hold]
    waiting: Hold
    wanted: Mapping[str, object]
    plan: dict[str, str]
    unfinished: str
    recorded: str
    drift: dict[str, list[Mapping[str, str]]]


@dataclass(frozen=True)
class RecordedRollout:
    """What the cluster records of an unfinished rollout, and its version then.

    `stopped` says that it cannot record anything, since its API server cannot be used.
    """

    unfinished: "RolloutRecord | None" = None
    version: str = ""
    stopped: str = ""

    @property
    def summary(self) -> str:
        """What is left to be done, as far as the cluster itself says so."""
        return self.unfinished.summary if self.unfinished else self.stopped


def recorded_rollout(olds: RolloutInputs) -> RecordedRollout:
    """Read the record without waiting; an API that does not answer says nothing.

    A refused connection says that the API server of a host that is there does not run: a change may
    have stopped it. An expired certificate of the API server will not be the only one. In both
    cases the program must look at the machines.
    """
    from ops.kube.errors import ApiError, Expired, Refused

    try:
        nodes = nodes_of(olds).limited(RECORD_SECONDS)
        if unfinished := nodes.unfinished():
            return RecordedRollout(unfinished, nodes.version_once())
    except Refused as error:
        return RecordedRollout(stopped=f"the API server does not run ({error.message})")
    except Expired:
        return RecordedRollout(stopped="the API server's certificate has expired")
    except (ApiError, IdentityMissing):
        pass
    return RecordedRollout()


def is_any_ready(olds: RolloutInputs, names: Iterable[str]) -> bool:
    """Whether a Node of these is Ready; an API that does not answer costs one short time-out."""
    from ops.kube.errors import ApiError

    try:
        return any(
            (node := nodes_of(olds).limited(RECORD_SECONDS).find_once(name)) is not None
            and node.ready
            for name in names
        )
    except (ApiError, IdentityMissing):
        return False


def planned(olds: RolloutInputs, news: RolloutInputs, recorded: RecordedRollout) -> dict[str, str]:
    """Return a sentence for each machine that will be touched, with what its drain deletes."""
    from ops.rollout.preview import drains, plan, with_stopped, with_unfinished

    change, unfinished = ClusterChange.of(olds, news), recorded.unfinished
    drift = with_unfinished(change, olds.get("drift", {}), unfinished)
    drift = with_stopped(change, drift, recorded.stopped)
    sentences = plan(change, drift)
    if unfinished and unfinished.target == change.after.digest:
        repairs = plan(ClusterChange(change.after, change.after), drift)
        for machine in filter(lambda name: stays(olds, news, name), unfinished.done):
            sentences.pop(machine, None)
            sentences |= {machine: repairs[machine]} if machine in repairs else {}
    if leaving := drains(change, drift):
        drained = {name: leaves for name, leaves in leaving.items() if name in sentences}
        for machine, lost in _losses(olds, drained).items():
            sentences[machine] += f"; {lost}"
    return sentences


def _losses(olds: RolloutInputs, leaving: Mapping[str, bool]) -> dict[str, str]:
    try:
        return nodes_of(olds).losses(leaving)
    except IdentityMissing:
        why = "the program's credential is not on this host"
        return dict.fromkeys(leaving, f"what its drain deletes is unknown: {why}")


def stays(olds: RolloutInputs, news: RolloutInputs, machine: str) -> bool:
    """Whether a changed machine exists before and after; others are created or deleted now."""
    before = olds["machine_ids"].get(machine)
    return before is not None and bool(before == news["machine_ids"].get(machine))


def nodes_of(inputs: RolloutInputs) -> "ClusterNodes":
    """Return the Nodes of the cluster, which are drained by the rollout's policy."""
    from ops.rollout.cluster_nodes import ClusterNodes

    policy = inputs["policy"]
    return ClusterNodes(
        connect(inputs["identity"]),
        drain_seconds=policy["drain_seconds"],
        force=policy["force"],
    )


def drain_limit(news: RolloutInputs, planned: Mapping[str, str]) -> list[str]:
    """Say how long the drains of these machines may take."""
    if not any(": drained" in text for text in planned.values()):
        return []
    seconds, force = news["policy"]["drain_seconds"], news["policy"]["force"]
    then = "the remaining pods are deleted" if force else "the run fails"
    return [f"  each drain may take {seconds:.0f} s; after that, {then}"]


def retried(skipped: "Mapping[str, Unavailable]", news: RolloutInputs) -> dict[str, str]:
    """Return a sentence for each machine that the last run skipped."""
    from ops.rollout.unavailable import sentence

    return {
        name: f"{sentence(machine)}; tried again"
        for name, machine in skipped.items()
        if name in news["machines"]
    }


def renewed(
    found: "Mapping[str, MachineSummary]", drift: "Drift", news: RolloutInputs
) -> dict[str, str]:
    """Return a sentence for each machine whose certificate is due, unless its drift says so."""
    from ops.rollout import certificate_triggers, trust_rows

    now = datetime.now(UTC)
    serving, sentences = trust_rows.SERVING, {}
    for name in found.keys() & news["machines"].keys():
        known = any(action["kind"] == serving.name for action in drift.get(name, ()))
        validity = found[name].get("serving")
        if validity and not known and datetime.fromisoformat(validity["due"]) <= now:
            expires = datetime.fromisoformat(validity["expires"])
            sentences[name] = f"{certificate_triggers.expiring(expires, now)}: {serving.effect}"
    return sentences
