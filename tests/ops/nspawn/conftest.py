"""A fleet for each test, with a check that it leaves nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.nspawn import lifecycle
from ops.nspawn.image import cached
from scripts.bench.subnet import subnet
from tests.ops.nspawn.fleet import NETWORKS, Outs, TestFleet
from tests.ops.nspawn.image_maker import SUPPLEMENTS, VERSION, make_image
from tests.tmp_machines import workshop


@pytest.fixture(scope="session")
def image() -> Path:
    """The image that this checkout makes; there already, unless the tests run alone."""
    make_image()
    return cached(VERSION, SUPPLEMENTS)


@pytest.fixture
def fleet(image: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestFleet]:
    """An owner without machines; what the test leaves of it is removed."""
    with workshop() as folder, subnet(88) as own:
        monkeypatch.setenv("KUBEADM_FLEET_MACHINES", str(folder))
        fleet = TestFleet(folder, str(own[0]).removesuffix(".0"))
        yield fleet
        lifecycle.purge_cluster(fleet.owner, fleet.cluster)
    assert fleet.left() == {}


@pytest.fixture
def network(fleet: TestFleet) -> Iterator[Outs]:
    """The fleet's bridge."""
    made = fleet.make_network()
    yield made
    NETWORKS.delete("", made)
