"""Warnings of CAs that are to be rotated."""

from datetime import UTC, datetime, timedelta

import pulumi
import pytest

from components.certificate_expiry import soonest, warn_of_authorities

NOW = datetime(2035, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)


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
    assert soonest({"a": {"reachable": False, "reason": "no route", "node": "not ready"}}) is None
