"""Warnings of CAs that are to be rotated."""

from datetime import UTC, datetime, timedelta

import pulumi
import pytest

from components.certificate_expiry import soonest, warn_of_authorities
from model.pki import certificates
from ops.rollout.observed import MachineSummary

NOW = datetime(2035, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
PEM = certificates.new_authority("a", timedelta(days=900)).cert_pem


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    texts: list[str] = []
    monkeypatch.setattr(pulumi, "warn", texts.append)
    return texts


def test_a_ca_warns_a_year_before_it_expires(warnings: list[str]) -> None:
    expiries = {
        "ca": (NOW + YEAR + timedelta(days=1)).isoformat(),
        "etcd-ca": (NOW + YEAR - timedelta(days=1)).isoformat(),
        "front-proxy-ca": (NOW - timedelta(days=1)).isoformat(),
    }
    warn_of_authorities("one", expiries, YEAR, NOW)
    assert [text.partition(", and")[0] for text in warnings] == [
        "one: its CA etcd-ca expires on 2035-12-31",
        "one: its CA front-proxy-ca expired on 2034-12-31",
    ]


def test_without_an_inspection_nothing_is_known() -> None:
    assert (
        soonest({"a": {"reachable": False, "reason": "no route", "node": "not ready"}}, {}) is None
    )
    assert soonest({}, {"metrics-server": PEM}) is None


@pytest.mark.parametrize(
    ("expires", "first"),
    [(NOW - 8 * YEAR, "kubelet.conf"), (NOW + YEAR, "metrics-server")],
)
def test_certificates_of_add_ons_are_compared(expires: datetime, first: str) -> None:
    of_machine: MachineSummary = {
        "reachable": True,
        "certificate": "kubelet.conf",
        "expires": expires.isoformat(),
    }
    for served in ({"metrics-server": PEM}, {"other": "", "metrics-server": PEM}):
        found = soonest({"a": of_machine}, served)
        assert found
        assert (found["certificate"], found["node"]) == (
            (first, "a") if first == "kubelet.conf" else (first, "")
        )
    assert soonest({"a": of_machine}, {"metrics-server": ""}) == {
        "certificate": "kubelet.conf",
        "expires": expires.isoformat(),
        "node": "a",
    }
