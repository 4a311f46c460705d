"""A key without a value is as if it were not there."""

from typing import Any

import pytest

from model.config.schema import ClusterConfig, FleetConfig
from model.load import load
from tests.model.examples import ABSENT, CONTAINER, changed

ONE = "clusters/cluster1"
OPTIONAL = [
    *(str(info.alias) for name, info in FleetConfig.model_fields.items() if name != "clusters"),
    *(f"{ONE}/{info.alias}" for info in ClusterConfig.model_fields.values()),
    *(f"{ONE}/workers/{key}" for key in ("count", "hosts", "kubelet", "labels", "pools", "taints")),
    *(f"{ONE}/networking/{key}" for key in ("nodeCidrMaskSize", "podSubnet", "dnsDomain")),
    *(f"{ONE}/machines/{key}" for key in ("cpus", "memory", "driver", "ssh")),
    "artifacts/sums", "artifacts/source", "upgrades/canaries", "upgrades/soak", "proxy/noProxy",
    "machines/ssh/port", "machines/ssh/bastion", "machines/ssh/user",
]  # fmt: skip


@pytest.mark.parametrize("path", OPTIONAL)
def test_a_key_without_a_value_is_not_set(path: str) -> None:
    base = changed(CONTAINER, (f"{ONE}/networks", {}), ("networks", {"shared": True}))
    for part in ("upgrades", "proxy", "artifacts", "machines/ssh", f"{ONE}/networking"):
        base = changed(base, (f"{part}/x", 1), (f"{part}/x", ABSENT))
    with_null = changed(base, (path, None))
    without = changed(with_null, (path, ABSENT))
    assert outcome(with_null) == outcome(without)


def outcome(config: dict[str, Any]) -> Any:
    """Return the fleet, or what is wrong with the config."""
    try:
        return load(config)
    except ValueError as error:
        return str(error)
