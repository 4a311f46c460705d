"""Kubelets' serving certificates: what the cluster's API servers verify, and nothing more."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from model.pki import certificates, serving

CA = certificates.new_authority("kubernetes", timedelta(days=3650))
PAIR = serving.issue(CA, "a-worker-0", "192.0.2.7", timedelta(days=1095))
CERTIFICATE = x509.load_pem_x509_certificate(PAIR.cert_pem.encode())


def test_it_is_for_servers_with_the_node_s_name_and_address_alone() -> None:
    names = CERTIFICATE.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a-worker-0"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.7"]
    assert len(list(names)) == 2
    usage = CERTIFICATE.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert CERTIFICATE.subject.rfc4514_string() == "CN=a-worker-0", "no user of the API"
    left = CERTIFICATE.not_valid_after_utc - datetime.now(UTC)
    assert timedelta(days=1094) < left <= timedelta(days=1095)


def test_a_client_verifies_it_at_the_machine_s_address() -> None:
    authority = x509.load_pem_x509_certificate(CA.cert_pem.encode())
    verifier = PolicyBuilder().store(Store([authority]))
    server = x509.IPAddress(ip_address("192.0.2.7"))
    verifier.build_server_verifier(server).verify(CERTIFICATE, [])
    with pytest.raises(VerificationError):
        verifier.build_server_verifier(x509.DNSName("a-worker-1")).verify(CERTIFICATE, [])
    with pytest.raises(VerificationError):
        verifier.build_client_verifier().verify(CERTIFICATE, [])


def test_the_pair_is_one_text_with_the_certificate_first() -> None:
    assert PAIR.pem == PAIR.cert_pem + PAIR.key_pem
