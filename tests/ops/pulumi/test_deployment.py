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
}
STABLE = {**SWITCHED, "other_certificate": "", "other_private_key": ""}


def state(outputs: dict[str, str]) -> Deployment:
    authority = {"type": f"{DYNAMIC}CertificateAuthority", "urn": "a::one-ca", "outputs": outputs}
    return Deployment(json.dumps({"deployment": {"resources": [authority]}}))


def test_each_ca_is_known_by_its_fingerprint() -> None:
    old, new = (certificates.fingerprint(pair.cert_pem) for pair in (OLD, NEW))
    assert state(SWITCHED).authorities == {new: NEW, old: OLD}
    assert state(STABLE).authorities == {new: NEW}
    assert state(STABLE).bundles == {new: NEW.cert_pem}


def test_a_resource_that_refers_to_the_former_ca_gets_a_credential_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wave may hold a cluster's rollout back, whose state then has the former reference."""
    monkeypatch.setenv("KUBEADM_FLEET_STATE", str(tmp_path))
    found = state(SWITCHED)
    for pair in (OLD, NEW):
        fingerprint = certificates.fingerprint(pair.cert_pem)
        reference: Identity = {
            "stack": "dev",
            "cluster": "one",
            "server": "https://192.0.2.1:6443",
            "authority": fingerprint,
        }
        identity.ensure(reference, found.authorities[fingerprint], found.bundles[fingerprint])
        assert identity.of("dev", identity.file(reference).read_text()) == reference
