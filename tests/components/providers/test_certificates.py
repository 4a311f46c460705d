"""When key material is kept, renewed or replaced."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from components.providers import client_certificate
from components.providers.certificate_authority import (
    CertificateAuthorityProvider,
    ServiceAccountKeyProvider,
)
from components.providers.client_certificate import ClientCertificateProvider
from model.pki import certificates
from ops.current_run import CurrentRun

AUTHORITY = {
    "resource": "one-ca",
    "common_name": "kubernetes",
    "valid_seconds": 3650 * 86400.0,
    "phase": "",
}


@pytest.fixture(scope="module")
def authority() -> dict[str, Any]:
    return created()


def created() -> dict[str, Any]:
    provider = CertificateAuthorityProvider()
    return provider.create(provider.check({}, AUTHORITY).inputs).outs or {}


def certificate_props(authority: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "issuer": "id 1",
        "authority": {
            "cert_pem": authority["certificate"],
            "key_pem": authority["private_key"],
        },
        "common_name": "somebody",
        "organizations": ["some:group"],
        "valid_seconds": 9 * 3600.0,
        **changes,
    }


def test_authorities_are_unique(authority: dict[str, Any]) -> None:
    other = created()
    for key in ("private_key", "certificate", "fingerprint"):
        assert other[key] != authority[key]


def test_authority_outputs_match_its_certificate(authority: dict[str, Any]) -> None:
    assert authority["fingerprint"] == certificates.fingerprint(authority["certificate"])
    assert datetime.fromisoformat(authority["expires"]) == certificates.expiry(
        authority["certificate"]
    )


def test_authority_is_replaced_when_its_subject_differs(authority: dict[str, Any]) -> None:
    news = {**AUTHORITY, "common_name": "etcd-ca"}
    found = CertificateAuthorityProvider().diff("id", authority, news)
    assert found.changes
    assert found.replaces == ["common_name"]
    # Its successor is there before it goes.
    assert found.delete_before_replace is False


@pytest.mark.parametrize("change", [{}, {"valid_seconds": 86400.0}])
def test_an_authority_is_kept_even_if_later_ones_live_shorter(
    authority: dict[str, Any], change: dict[str, Any]
) -> None:
    found = CertificateAuthorityProvider().diff("id", authority, {**AUTHORITY, **change})
    assert not found.changes
    assert not found.replaces


def test_service_account_keys_are_a_pair() -> None:
    outs = (
        ServiceAccountKeyProvider().create({"resource": "one-service-account", "phase": ""}).outs
        or {}
    )
    private = serialization.load_pem_private_key(outs["private_key"].encode(), None)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert public.decode() == outs["public_key"]


@pytest.mark.parametrize(
    "change",
    [
        {"common_name": "somebody else"},
        {"organizations": ["other:group"]},
        {"valid_seconds": 10 * 3600.0},
        {"issuer": "id 2"},
    ],
)
def test_a_certificate_is_reissued_in_place_when_its_subject_changes(
    authority: dict[str, Any], change: dict[str, Any]
) -> None:
    props = certificate_props(authority)
    outs = ClientCertificateProvider().create(props).outs or {}
    found = ClientCertificateProvider().diff("id", outs, {**props, **change})
    assert found.changes
    assert not found.replaces


@pytest.mark.parametrize(("hours_left", "due"), [(4, False), (2, True), (-1, True)])
def test_a_certificate_is_renewed_after_two_thirds_of_its_lifetime(
    authority: dict[str, Any], hours_left: int, due: bool
) -> None:
    props = certificate_props(authority)
    outs = ClientCertificateProvider().create(props).outs or {}
    aged = {**outs, "expires": (datetime.now(UTC) + timedelta(hours=hours_left)).isoformat()}
    assert ClientCertificateProvider().diff("id", aged, props).changes is due


def test_a_preview_shows_no_change_that_is_due_by_the_clock_alone(
    authority: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    preview = CurrentRun(is_preview=True)
    monkeypatch.setattr(client_certificate, "this_run", lambda: preview)
    props = certificate_props(authority)
    outs = ClientCertificateProvider().create(props).outs or {}
    aged = {**outs, "expires": datetime.now(UTC).isoformat()}
    assert not ClientCertificateProvider().diff("id", aged, props).changes
    other = {**props, "common_name": "somebody else"}
    assert ClientCertificateProvider().diff("id", aged, other).changes


def test_the_key_of_the_authority_is_in_no_state(authority: dict[str, Any]) -> None:
    provider, props = ClientCertificateProvider(), certificate_props(authority)
    checked = provider.check({}, props).inputs
    made = provider.create(checked).outs or {}
    renewed = provider.update("id", made, checked).outs or {}
    for state in (checked, made, renewed):
        assert authority["private_key"] not in str(state)
    assert renewed["certificate"] != made["certificate"]


def test_a_renewed_certificate_is_not_due(authority: dict[str, Any]) -> None:
    props = certificate_props(authority)
    outs = ClientCertificateProvider().create(props).outs or {}
    aged = {**outs, "expires": datetime.now(UTC).isoformat()}
    renewed = ClientCertificateProvider().update("id", aged, props).outs or {}
    assert renewed["certificate"] != outs["certificate"]
    assert not ClientCertificateProvider().diff("id", renewed, props).changes
