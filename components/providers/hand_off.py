"""A cluster's registration in a tool that runs in a cluster of the stack: a Secret with a token.

Create requests a token of the tool's account in the registered cluster, and writes the Secret where
the tool runs. Update does so again when something that it says changed, when another key signs
tokens, or when the account was recreated; by the clock, after two thirds of the token's lifetime,
which a preview does not show. Another place of the Secret is another registration.

Read notices a Secret that is missing or was edited; while the tool's API is unavailable it records
nothing. Delete removes the Secret. If the tool's API is unavailable then, it says what is left: the
token ends with the account, and no cluster's removal waits for another cluster.

The token is in no state.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypedDict

import pulumi
from pulumi.dynamic import DiffResult

from components.providers.base import ProvidedResource, Provider, changed, require_known
from components.providers.engine_log import own_urn, this_run, warn
from model.hand_off import ACCOUNT_NAMESPACE, Registered
from model.pki import account_tokens
from ops.kube import hand_off
from ops.kube.errors import ApiError, Unavailable
from ops.kube.identity import Identity, connect

# A change of one of these is a reason for another token and Secret.
CAUSES = ("identity", "target", "target_init", "account", "account_changed", "lifetime_seconds")


class HandOffInputs(TypedDict):
    """The registration as the provider gets it.

    `identity` is the program's in the registered cluster, `target` the one where the tool runs and
    `target_init` that cluster's initialization. `account_changed` differs when the account was
    recreated, and `signer` names the key that signs tokens.
    """

    urn: str
    identity: Identity
    target: Identity
    target_init: str
    account: str
    account_changed: str
    registered: Registered
    lifetime_seconds: float
    signer: str


class HandOffState(HandOffInputs):
    """When the token was issued and expires (ISO 8601), and which key signed it.

    `digest` is that of the Secret; "" if it was found missing or edited.
    """

    issued: str
    expires: str
    key: str
    digest: str


class HandOffProvider(Provider[HandOffInputs, HandOffState]):
    """Registers clusters."""

    def _create(self, inputs: HandOffInputs) -> HandOffState:
        """Request a token and write the Secret."""
        return _register(inputs)

    def _id(self, state: HandOffState) -> str:
        """Return where the Secret is."""
        return f"{state['target']['cluster']}/{hand_off.title(state['registered'])}"

    def _diff(self, olds: HandOffState, news: HandOffInputs) -> DiffResult:
        """Compare what the Secret says, and judge the token."""
        require_known(news, ("target", "registered"))
        moved = [key for key in ("target", "registered") if _place(olds, key) != _place(news, key)]
        is_due = _is_due(olds) and not this_run().is_preview
        different = (
            bool(changed(olds, news, CAUSES))
            or dict(olds["registered"]) != dict(news["registered"])
            or not olds["digest"]
            or olds["key"] != news["signer"]
        )
        return DiffResult(changes=bool(moved) or different or is_due, replaces=moved)

    def _read(self, state: HandOffState) -> HandOffState:
        """Notice a Secret that is missing or was edited."""
        target = connect(state["target"])
        try:
            is_written = hand_off.is_written(target, state["registered"], state["digest"])
        except Unavailable:
            return state
        except ApiError as error:
            raise target.explain("reading the Secret of the cluster", error) from None
        return state if is_written else {**state, "digest": ""}

    def _update(self, _olds: HandOffState, news: HandOffInputs) -> HandOffState:
        """Write the Secret again, with another token."""
        return _register(news)

    def _delete(self, state: HandOffState) -> None:
        """Delete the Secret; warn if the API does not answer."""
        target = connect(state["target"])
        registered = state["registered"]
        try:
            hand_off.remove(target, registered)
        except Unavailable as error:
            warn(
                f"{registered['cluster']} is still registered in {registered['tool']}, since the "
                f"API there did not answer ({error}). Its token ends with its account. Delete the "
                f"Secret: `{hand_off.how_to_remove(target, registered)}`",
                state["urn"],
            )
        except ApiError as error:
            raise target.explain("deleting the Secret of the cluster", error) from None


def _register(inputs: HandOffInputs) -> HandOffState:
    token = hand_off.request_token(
        connect(inputs["identity"]),
        ACCOUNT_NAMESPACE,
        inputs["account"],
        inputs["lifetime_seconds"],
    )
    digest = hand_off.write(connect(inputs["target"]), inputs["registered"], token)
    return {
        **inputs,
        "issued": datetime.now(UTC).isoformat(timespec="seconds"),
        "expires": token.expires,
        "key": account_tokens.signer(token.text),
        "digest": digest,
    }


def _place(given: Mapping[str, object], key: str) -> object:
    """Return what makes another place of one of these inputs."""
    found = given[key]
    assert isinstance(found, dict)
    names = ("cluster",) if key == "target" else ("tool", "cluster", "namespace")
    return [found[name] for name in names]


def _is_due(state: HandOffState) -> bool:
    issued, expires = (datetime.fromisoformat(state[key]) for key in ("issued", "expires"))
    return expires - datetime.now(UTC) < (expires - issued) / 3


@dataclass(frozen=True)
class HandOffArgs:
    """A registration; see `HandOffInputs`."""

    identity: pulumi.Input[Identity]
    target: pulumi.Input[Identity]
    target_init: pulumi.Input[str]
    account: str
    account_changed: pulumi.Input[str]
    registered: pulumi.Input[Registered]
    lifetime_seconds: float
    signer: pulumi.Input[str]


class HandOff(ProvidedResource, module="kubeadm-fleet", name="HandOff"):
    """A registration: when its token was issued and expires (ISO 8601)."""

    issued: pulumi.Output[str]
    expires: pulumi.Output[str]

    def __init__(self, name: str, args: HandOffArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(HandOffProvider(), name, args, opts, urn=own_urn(HandOff, name, opts))
