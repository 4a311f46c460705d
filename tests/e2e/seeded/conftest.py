"""Clusters, made by the real engine, and one watch over them.

There are three, or as many as KUBEADM_FLEET_CLUSTERS says: two are enough for faults.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from scripts.bench.subnet import subnet
from tests.e2e.life import living
from tests.e2e.networks import networks
from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.seeded.watching import Watch, watching

NUMBER = int(os.environ.get("KUBEADM_FLEET_CLUSTERS", "3"))
CLUSTERS = tuple(f"cluster{number}" for number in range(1, NUMBER + 1))


def config(*subnets: str) -> dict[str, Any]:
    """Describe clusters of one control plane and one worker, and who watches them."""
    return {
        "kubernetesVersion": "1.36.3",
        "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
        "people": {"users": {"watch": {"access": [{"role": "watcher"}]}}},
        "clusters": {
            name: {
                "machines": {"subnet": own},
                "networking": networks(number),
                "controlPlanes": {"count": 1},
                "workers": {"count": 1},
            }
            for number, (name, own) in enumerate(zip(CLUSTERS, subnets, strict=True), start=1)
        },
    }


@pytest.fixture(scope="package")
def fleet() -> Iterator[PulumiStack]:
    """The stack with its clusters up."""
    with ExitStack() as held:
        subnets = [str(held.enter_context(subnet(91))) for _ in CLUSTERS]
        yield held.enter_context(living(config(*subnets)))


@pytest.fixture(scope="package")
def watch(fleet: PulumiStack) -> Iterator[Watch]:
    """One `fleet watch` over all clusters, which has seen each of them."""
    with watching(fleet) as watch:
        yield watch
