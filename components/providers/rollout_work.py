"""Whether a rollout has work to do, and what: from its inputs, and what its last run left."""

from collections.abc import Mapping
from typing import cast

from components.providers.base import NotKnown, require_known
from components.providers.rollout_plan import RolloutInputs, is_any_ready, renewed, retried
from components.providers.rollout_rotation import RolledInputs
from model import rotation_phases
from ops.rollout.inputs import ClusterInputs
from ops.rollout.observed import MachineSummary

# Inputs whose change requires work; the policy only controls how it is done.
CAUSES = (
    "version",
    "cluster_document",
    "kubelet_document",
    "patches",
    "machines",
    "machine_ids",
    "issuer_key",
    "client_file",
    "client_set",
    "front_proxy_set",
    "trusted",
    "signers",
    "secrets_digest",
    "writer",
    "identity",
    "shared_login",
    "logins",
    "mirror_credentials",
    "security_updates",
    "supplements",
    "plugin",
)
# Inputs of plans and refusals, besides the machines' IDs: an unknown ID is a new machine.
JUDGED = (
    "urn",
    "cluster",
    "version",
    "cluster_document",
    "kubelet_document",
    "patches",
    "machines",
    "rotations",
    "encryption",
    "acknowledged",
    "immediate",
    "serving_seconds",
    "security_updates",
    "supplements",
    "plugin",
)
# Inputs that a preview may not know yet, whose change it shows nevertheless.
UNKNOWN = (
    *("machine_ids", "client_file", "client_set", "front_proxy_set"),
    *("issuer_key", "trusted", "signers", "people", "secrets_digest", "writer"),
    "encryption_keys",
)


class RolloutState(RolledInputs):
    """The rollout as it ended, or as its machines were found."""

    found: dict[str, MachineSummary]


def require_judgeable(news: RolloutInputs) -> None:
    """Raise NotKnown unless plans and refusals have what they need."""
    require_known(news, JUDGED)
    if not isinstance(news["machine_ids"], Mapping):
        raise NotKnown("machine_ids")


def judged(news: RolloutInputs) -> ClusterInputs:
    """Return the inputs to judge: those that wait, or those to apply."""
    return cast(ClusterInputs, news["wanted"]) if news["waiting"] else news


def wanted(news: RolloutInputs) -> dict[str, object]:
    """Return the inputs to judge while they wait."""
    known: Mapping[str, object] = news
    return {key: known[key] for key in (*JUDGED, *UNKNOWN)}


def is_due(olds: RolloutState, news: RolloutInputs) -> bool:
    """Whether there is work to do: changed inputs, drift that was found, or what a run left."""
    before, after = cast(Mapping[str, object], olds), cast(Mapping[str, object], news)
    changed = any(before.get(key) != after.get(key) for key in CAUSES) or bool(
        # One that changes no machine is recorded nevertheless.
        rotation_phases.moved(olds["rotations"], news["rotations"])
    )
    drifted = bool(olds.get("drift") or news["unfinished"] or _renewed(olds, news))
    return changed or drifted or _is_pending(olds) or is_any_ready(olds, olds["unavailable"])


def planned_now(olds: RolloutState, news: RolloutInputs) -> dict[str, str]:
    """Return a sentence for each machine that will be touched, for whatever reason."""
    sentences = {**retried(olds["unavailable"], news), **news["plan"]}
    for name, sentence in _renewed(olds, news).items():
        sentences[name] = "; ".join(filter(None, (sentences.get(name), sentence)))
    return sentences


def _renewed(olds: RolloutState, news: RolloutInputs) -> dict[str, str]:
    return renewed(olds["found"], olds.get("drift", {}), news)


def _is_pending(olds: RolloutState) -> bool:
    """Whether the change of an unavailable machine was left for this run."""
    return any(machine["pending"] for machine in olds["unavailable"].values())
