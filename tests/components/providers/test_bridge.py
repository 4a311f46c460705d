"""What a preview says of a cluster's networks before its bridge exists."""

from pathlib import Path
from typing import Any

import pytest

from components.providers.bridge import BridgeProvider

BRIDGES = BridgeProvider()
INPUTS: dict[str, Any] = {
    "owner": "ssh-ed25519 AAAA",
    "cluster": "one",
    "subnet": "10.89.1.0/24",
    "networks": {"podSubnet": "10.244.0.0/16", "serviceSubnet": "10.96.0.0/16"},
}
# The default route, a site's aggregate through a gateway, and a VPN among the pods' addresses.
ROUTES = """\
Iface Destination Gateway Flags RefCnt Use Metric Mask
eth0 00000000 010200C0 0003 0 0 0 00000000
eth0 0000000A 010200C0 0003 0 0 0 000000FF
wg0 0007F40A 00000000 0001 0 0 0 00FFFFFF
"""


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    said: list[str] = []
    routes = tmp_path / "route"
    routes.write_text(ROUTES)
    monkeypatch.setattr("ops.hosts.routes.ROUTES", routes)
    monkeypatch.setattr("components.providers.bridge.warn", said.append)
    return said


def test_what_pods_would_not_reach_is_said_before_the_cluster_exists(said: list[str]) -> None:
    assert BRIDGES.check({}, INPUTS).inputs == INPUTS
    (warning,) = said
    assert warning.startswith("cluster one: this host reaches 10.244.7.0/24 through wg0, and the")
    assert "networking.podSubnet 10.244.0.0/16" in warning


def test_an_existing_cluster_and_consent_are_no_warning(said: list[str]) -> None:
    BRIDGES.check(INPUTS, INPUTS)
    BRIDGES.check({}, INPUTS | {"networks": {}})
    assert said == []
