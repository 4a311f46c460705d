"""A machine's report as a mapping of items."""

from typing import Any

import pytest

from model.host_digests import digests, parse

REPORT: dict[str, Any] = {
    "time": 1795757045,
    "version": 1,
    "files": {"/etc/x": "0123456789abcdef", "/etc/secret": "same"},
    "programs": {"/usr/local/bin/kubelet": "fedcba9876543210"},
    "sysctls": {"net.ipv4.ip_forward": "1"},
    "units": {"kubelet.service": "active enabled"},
    "disks": {"/": "41"},
    "swap": "off",
    "differs": [],
}


def test_items_are_what_machines_are_compared_by() -> None:
    assert digests(REPORT) == {
        "file /etc/x": "0123456789abcdef",
        "file /etc/secret": "same",
        "program /usr/local/bin/kubelet": "fedcba9876543210",
        "sysctl net.ipv4.ip_forward": "1",
        "unit kubelet.service": "active enabled",
        "swap": "off",
    }
    assert parse(REPORT).disks == {"/": 41}


@pytest.mark.parametrize(
    "damage",
    [
        {"version": 2},
        {"files": []},
        {"time": "x"},
        {"time": 10**30},
        {"differs": None},
        {"differs": [{"kind": "file"}]},
        {"disks": {"/": "x"}},
        {"backup": 3},
        {"certificates": {"a": None}},
        {"issued": {"a": None}},
    ],
)
def test_what_is_no_report_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        parse({**REPORT, **damage})


@pytest.mark.parametrize("document", [None, [], "x", {}])
def test_no_report_at_all(document: Any) -> None:
    with pytest.raises(ValueError):
        digests(document)
