"""Where the kubelet is configured to start on a host with swap."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from model.render.kubeadm import accepts_swap, kubelet_configuration
from model.render.machine_files import KUBELET_PATCH, machine_files
from tests.model.examples import CONTAINER, EXISTING, cluster

LIMITED = {"memorySwap": {"swapBehavior": "LimitedSwap"}}


@pytest.mark.parametrize(
    ("config", "of_all", "of_pool", "accepted"),
    [
        (EXISTING, {}, {}, False),
        (EXISTING, {"failSwapOn": False}, {}, True),
        (EXISTING, {"failSwapOn": False}, {"failSwapOn": True}, False),
        (EXISTING, {}, {"failSwapOn": False}, True),
        (EXISTING, LIMITED, {}, True),
        (EXISTING, {}, LIMITED, True),
        (EXISTING, {}, {**LIMITED, "failSwapOn": True}, False),
        (EXISTING, {**LIMITED, "failSwapOn": True}, {}, False),
        (EXISTING, {"memorySwap": {"swapBehavior": "NoSwap"}}, {}, False),
        (CONTAINER, {}, {}, True),
    ],
)
def test_swap_is_accepted_where_the_kubelet_starts(
    config: dict[str, Any], of_all: dict[str, Any], of_pool: dict[str, Any], accepted: bool
) -> None:
    described = replace(cluster(config), kubelet=of_all)
    for machine in described.machines:
        own = replace(machine, kubelet=of_pool)
        assert accepts_swap(described, own) == accepted
        patches = [file for file in machine_files(described, own) if file.part == KUBELET_PATCH]
        for patch in patches:
            assert yaml.safe_load(patch.content)["failSwapOn"] == (not accepted)
    if not of_pool:
        rendered = yaml.safe_load(kubelet_configuration(described))
        assert (not rendered.get("failSwapOn", True)) == accepted
