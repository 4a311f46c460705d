"""CAs and service-account keys in the phases of a rotation."""

from typing import Any

import pytest
from cryptography import x509

from components.providers.base import Provider
from components.providers.certificate_authority import (
    CertificateAuthorityProvider,
    ServiceAccountKeyProvider,
)
from model.rotation_phases import FINISH, PHASES, PREPARE, SWITCH
from ops.errors import OperatorError

INPUTS = {"common_name": "kubernetes", "valid_seconds": 3650 * 86400.0}
CA, KEY = CertificateAuthorityProvider(), ServiceAccountKeyProvider()
PUBLIC = {CA: "certificate", KEY: "public_key"}
each_provider = pytest.mark.parametrize("provider", [CA, KEY], ids=["ca", "service-account"])


def inputs(provider: Provider[Any, Any], phase: str) -> dict[str, Any]:
    return {**(INPUTS if provider is CA else {}), "resource": "one-ca", "phase": phase}


def step(provider: Provider[Any, Any], state: dict[str, Any], phase: str) -> dict[str, Any]:
    """Apply a phase as the engine does."""
    news = provider.check(state, inputs(provider, phase)).inputs
    if not provider.diff("id", state, news).changes:
        return state
    return provider.update("id", state, news).outs or {}


def states(provider: Provider[Any, Any], *phases: str) -> list[dict[str, Any]]:
    """Return the state at first, and in each of these phases."""
    checked = provider.check({}, inputs(provider, "")).inputs
    found = [provider.create(checked).outs or {}]
    for phase in phases:
        found.append(step(provider, found[-1], phase))
    return found


@each_provider
def test_the_successor_is_trusted_then_signs_and_then_is_alone(
    provider: Provider[Any, Any],
) -> None:
    public = PUBLIC[provider]
    first, prepared, switched, finished = states(provider, *PHASES)
    assert (prepared[public], prepared["private_key"]) == (first[public], first["private_key"])
    assert prepared["bundle"].startswith(first[public])
    assert prepared[f"other_{public}"] in prepared["bundle"]
    assert switched[public] == prepared[f"other_{public}"]
    assert switched["private_key"] == prepared["other_private_key"]
    assert switched["bundle"] == switched[public] + first[public]
    assert finished["bundle"] == finished[public] == switched[public]
    assert first["private_key"] not in finished.values()


@each_provider
def test_the_removed_key_of_a_finished_rotation_is_no_change(provider: Provider[Any, Any]) -> None:
    finished = states(provider, *PHASES)[-1]
    assert step(provider, finished, "") is finished
    another = step(provider, finished, PREPARE)
    assert another[PUBLIC[provider]] == finished[PUBLIC[provider]]
    assert another["other_private_key"]


@each_provider
def test_steps_are_taken_back_with_the_former_keys(provider: Provider[Any, Any]) -> None:
    first, prepared, switched, back, ended = states(provider, PREPARE, SWITCH, PREPARE, "")
    assert switched["private_key"] != first["private_key"]
    assert _without_signer(back) == _without_signer(prepared)
    assert _without_signer(ended) == _without_signer(first)


def _without_signer(state: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in state.items() if key != "signer"}


def test_a_number_that_a_preview_knows_changes_with_the_key_that_signs() -> None:
    numbers = [state["signer"] for state in states(CA, *PHASES, "", *PHASES[:2], PREPARE)]
    assert numbers == [1, 1, 2, 2, 2, 2, 3, 4]


@each_provider
@pytest.mark.parametrize(
    ("phases", "wanted", "reason"),
    [
        ((), SWITCH, "begin with `prepare`"),
        ((), FINISH, "begin with `prepare`"),
        ((PREPARE,), FINISH, "`switch` comes before `finish`"),
        ((PREPARE, SWITCH), "", "continue with `finish`"),
        (PHASES, SWITCH, "begin with `prepare`"),
    ],
)
def test_a_phase_that_is_left_out_is_refused_in_the_preview(
    provider: Provider[Any, Any], phases: tuple[str, ...], wanted: str, reason: str
) -> None:
    state = states(provider, *phases)[-1]
    with pytest.raises(OperatorError, match=f"the rotation of one-ca cannot go .*{reason}"):
        provider.diff("id", state, inputs(provider, wanted))


@each_provider
@pytest.mark.parametrize("phase", [PREPARE, SWITCH])
def test_what_is_created_has_no_rotation_under_way(
    provider: Provider[Any, Any], phase: str
) -> None:
    with pytest.raises(OperatorError, match="created in this run"):
        provider.check({}, inputs(provider, phase))
    provider.check({}, inputs(provider, FINISH))


def test_leaves_are_shown_with_the_cross_signed_certificate_after_the_switch_alone() -> None:
    first, prepared, switched, finished = states(CA, *PHASES)
    assert [state["chain"] for state in (first, prepared, finished)] == ["", "", ""]
    cross, root, new = (
        x509.load_pem_x509_certificate(pem.encode())
        for pem in (switched["chain"], first["certificate"], switched["certificate"])
    )
    cross.verify_directly_issued_by(root)
    assert cross.public_key() == new.public_key()


def test_the_outputs_are_those_of_the_ca_that_signs() -> None:
    first, prepared, switched = states(CA, PREPARE, SWITCH)
    assert prepared["fingerprint"] == first["fingerprint"]
    assert switched["fingerprint"] != first["fingerprint"]
    assert switched["expires"] >= first["expires"]
