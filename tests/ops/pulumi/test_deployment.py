"""The CAs of a state, with those that a rotation adds."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from model.pki import certificates
from ops.kube import identity
from ops.kube.identity import Identity
from ops.pulumi.deployment import DYNAMIC, Deployment

OLD, NEW = (certificates.new_authority("kubernetes", timedelta(days=9)) for _ in range(2))
SWITCHED = {
    "certificate": NEW.cert_pem,
    "private_key": NEW.key_pem,
    "other_certificate": OLD.cert_pem,
    "other_private_key": OLD.key_pem,
    "phase": "switch",
}
STABLE = {**SWITCHED, "other_certificate": "", "other_private_key": "", "phase": "finish"}
BUNDLE = NEW.cert_pem + OLD.cert_pem


def state(outputs: dict[str, str]) -> Deployment:
    authority = {
        "type": f"{DYNAMIC}CertificateAuthority",
        "urn": "a::one-ca",
        "id": "0123456789abcdef0123",
        "outputs": {**outputs, "bundle": BUNDLE},
    }
    return Deployment(json.dumps({"deployment": {"resources": [authority]}}))


def test_each_ca_is_known_by_its_fingerprint() -> None:
    old, new = (certificates.fingerprint(pair.cert_pem) for pair in (OLD, NEW))
    assert state(SWITCHED).authorities == {new: NEW, old: OLD}
    assert state(STABLE).authorities == {new: NEW}


def test_the_program_s_credential_is_issued_by_the_ca_that_all_machines_trust(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that an earlier wave holds do not know the successor."""
    monkeypatch.setenv("KUBEADM_FLEET_STATE", str(tmp_path))
    reference: Identity = {
        "stack": "dev",
        "cluster": "one",
        "server": "https://192.0.2.1:6443",
        "authority": "0123456789abcdef0123",
    }
    found = state(SWITCHED).authority_of(reference)
    assert found == (OLD, BUNDLE)
    assert state(STABLE).authority_of(reference) == (NEW, BUNDLE)
    identity.ensure(reference, *found)
    assert identity.file(reference).is_file()
    assert state(SWITCHED).authority_of({**reference, "authority": "another"}) is None
