"""Kubelets' serving certificates: when another one is issued, and with what effect."""

import base64
import ssl
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509

from model.pki import certificates, leaves, serving
from model.pki.machine_certificates import MachineCertificates
from model.pki.serving import ServingCertificate
from ops.rollout import trust_rows
from ops.rollout.diff import required_actions
from tests.ops.rollout.examples import (
    AUTHORITY,
    ISSUER,
    found,
    inputs,
    plan,
    serving_certificate,
    wanted,
)
from tests.ops.rollout.fakes import FakeFleet, alike, run

WORKER = wanted()
GOOD = serving_certificate(WORKER)
ITS = "its kubelet's serving certificate"


@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        (None, f"{ITS} is missing"),
        (replace(GOOD, issuer="ffff"), f"{ITS} is not of the cluster's CA"),
        (
            replace(GOOD, issuer=f"{ISSUER}{leaves.CROSS_SIGNED}"),
            f"{ITS} still carries the chain to the former CA",
        ),
        (
            replace(GOOD, names=frozenset(("a-worker-0", "192.0.2.9"))),
            f"{ITS} is for 192.0.2.9, a-worker-0 instead of 10.0.0.100, a-worker-0",
        ),
        (
            replace(GOOD, names=frozenset()),
            f"{ITS} is for no name instead of 10.0.0.100, a-worker-0",
        ),
        (replace(GOOD, is_paired=False), f"{ITS} does not match its key"),
        (serving_certificate(WORKER, age_days=20.1), f"{ITS} expires on "),
        (serving_certificate(WORKER, age_days=31), f"{ITS} expired on "),
    ],
)
def test_a_certificate_that_serves_no_longer_or_not_for_long_is_renewed(
    certificate: ServingCertificate | None, why: str
) -> None:
    (action,) = required_actions(found(WORKER, serving=certificate), WORKER)
    assert action.kind is trust_rows.SERVING
    assert action.why.startswith(why)


@pytest.mark.parametrize("age_days", [0.1, 19.9])
def test_it_is_left_alone_before_its_last_third(age_days: float) -> None:
    certificate = serving_certificate(WORKER, age_days=age_days)
    assert required_actions(found(WORKER, serving=certificate), WORKER) == []


def test_each_machine_gets_one_of_its_own_and_nothing_is_restarted() -> None:
    fleet = FakeFleet(inputs(), alike(inputs(), serving=None))
    assert run(fleet)
    assert fleet.called("renew_serving") == sorted(fleet.props["machines"])
    closing = {"set_metadata", "uncordon"}
    assert {call for call, _ in fleet.calls} == {"renew_serving", "record_applied", *closing}
    for name, pem in fleet.issued.items():
        certificate = x509.load_pem_x509_certificate(pem.encode())
        certificate.verify_directly_issued_by(
            x509.load_pem_x509_certificate(AUTHORITY.cert_pem.encode())
        )
        assert name in certificate.subject.rfc4514_string()
        valid = certificate.not_valid_after_utc - certificate.not_valid_before_utc
        assert timedelta(days=30) <= valid < timedelta(days=31)
    assert len(set(fleet.issued.values())) == 6
    assert not run(fleet), "nothing is left to be done"


def test_a_kubelet_that_does_not_start_without_it_is_helped_while_the_api_is_unavailable() -> None:
    like = alike(inputs())
    name = "a-control-plane-1"
    stopped = {**like[name].services, "kubelet": "failed"}
    expired = {"kubelet-client": "expired on 2026-11-26"}
    like[name] = replace(like[name], serving=None, services=stopped, invalid_certificates=expired)
    fleet = FakeFleet(inputs(), like)
    fleet.api_answers = False
    assert run(fleet)
    others = [fleet.of(name).index(step) for step in ("install_kubelet_certificate", "repair")]
    assert fleet.of(name).index("renew_serving") < min(others)


def test_another_ca_is_planned() -> None:
    sentence = f"another CA signs {ITS}: issued again, nothing restarted"
    news = inputs(issuer_key="ffff")
    assert plan(inputs(), news, {}) == dict.fromkeys(news["machines"], sentence)


def facts(path: str, *texts: str) -> MachineCertificates:
    """What a machine reports of a file with these certificates."""
    ders = (ssl.PEM_cert_to_DER_cert(text.strip()) for text in texts)
    encoded = (base64.b64encode(der).decode() for der in ders)
    return MachineCertificates.parse(f"certificate\t{path}\t{text}" for text in encoded)


def test_it_is_read_with_its_issuer_and_names() -> None:
    pair = serving.issue(AUTHORITY, "a-worker-0", "10.0.0.100", timedelta(days=30))
    former = certificates.new_authority("former", timedelta(days=9))
    cross_signed = certificates.cross_sign(former, AUTHORITY.cert_pem)
    certificate, chained = (
        serving.read(facts(path, *texts), path, "another")
        for path, *texts in (("alone", pair.cert_pem), ("chained", pair.cert_pem, cross_signed))
    )
    assert certificate and chained
    assert chained.issuer == f"{ISSUER}{leaves.CROSS_SIGNED}"
    assert (certificate.issuer, certificate.is_paired) == (ISSUER, False)
    assert certificate.names == serving.names_of("a-worker-0", "10.0.0.100")
    assert abs(certificate.expires - certificate.due - timedelta(days=10)) < timedelta(hours=1)
