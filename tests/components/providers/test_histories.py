"""Random histories: changes that fail, are edited again or reverted, and machines that die.

Whatever happened, one good run brings every machine to what is configured then, and the one after
it has nothing to do.
"""

import random
from dataclasses import replace
from typing import Any

import pytest

from ops.errors import OperatorError
from ops.rollout.desired import DesiredCluster
from tests.components.providers.test_unfinished import FAILURE, Engine, Fleet, engine, fleet
from tests.ops.rollout.examples import CLUSTER, KUBELET, inputs, with_parts

__all__ = ["engine", "fleet"]

CALLS = (
    "cordon", "drain", "check_upgrade", "upgrade_first", "upgrade_control_plane", "upgrade_kubelet",
    "apply_kubelet", "apply_control_plane", "apply_files kernel", "set_metadata", "uncordon",
    "record_applied", "await_health", "clean", "upload_configuration",
)  # fmt: skip
OLDER, NEWER = "v1.36.3", "v1.36.4"
STEPS = 6


def config(chance: random.Random, version: str) -> Any:
    """Return one of the states that a person may configure."""
    props = with_parts(kernel=chance.choice(["n1", "n2"]))
    props["version"] = version
    props["kubelet_document"] = KUBELET.replace("110", chance.choice(["110", "50", "30"]))
    props["cluster_document"] = CLUSTER.replace('"false"', chance.choice(['"false"', '"true"']))
    props["machines"]["a-worker-1"]["labels"] = {"disk": chance.choice(["ssd", "hdd"])}
    props["policy"]["max_unavailable"] = chance.choice([1, 2])
    return props


def attempt_with_failures(engine: Engine, props: Any, chance: random.Random) -> bool:
    """Run while operations fail and a machine may be dead; return whether the run succeeded."""
    fleet = engine.fleet
    names = sorted(fleet.found)
    fleet.failing = {chance.choice(CALLS): FAILURE} if chance.random() < 0.3 else {}
    fleet.bad = (chance.choice(CALLS), chance.choice(names))
    dead = chance.choice([None, None, None, *names])
    if dead:
        fleet.found[dead] = replace(fleet.found[dead], unreachable="no route")
    try:
        engine.preview(props)
        engine.up(props)
    except OperatorError:
        return False
    finally:
        fleet.failing, fleet.bad = {}, None
        if dead:
            fleet.found[dead] = replace(fleet.found[dead], unreachable="")
    return True


@pytest.mark.parametrize("seed", range(40))
def test_one_good_run_settles_whatever_happened_before(
    engine: Engine, fleet: Fleet, seed: int
) -> None:
    chance = random.Random(seed)
    versions = [OLDER] * STEPS
    if chance.random() < 0.5:
        # An upgrade may be reverted while it has not reached the cluster, and is refused else.
        versions[STEPS // 2 :] = chance.choices([OLDER, NEWER], k=STEPS // 2)
    applied = inputs()
    for version in versions:
        props = config(chance, version)
        if attempt_with_failures(engine, props, chance):
            applied = props
    last = max(versions)
    # Half of them revert what failed: to the engine, no input differs.
    reverts = applied["version"] == last and chance.random() < 0.5
    wished = applied if reverts else config(chance, last)
    engine.up(wished)
    wanted = DesiredCluster.of(wished)
    for machine in wanted.machines:
        found = fleet.found[machine.name]
        assert (found.version, found.applied.version) == (wanted.version, wanted.version)
        assert (found.applied.kubelet, found.applied.control) == (machine.kubelet, machine.control)
        assert found.parts == machine.parts
        assert found.node
        assert found.node.labels == machine.labels
        assert (found.node.cordoned, found.node.pending) == (False, "")
    assert fleet.joining == (wanted.control, wanted.kubelet)
    assert fleet.record is None
    assert engine.outputs["unavailable"] == {}
    assert engine.preview(wished) is None
