"""Many machines that are replaced or removed in one run, with the real engine and no machines."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.ops.kube.api_server import Answer, Api
from tests.small_stack import Finished, Stack

pytestmark = pytest.mark.slow

PROGRAM = """
from pathlib import Path
from types import SimpleNamespace

import pulumi

from components.announcement import announce
from components.providers.membership import Membership, MembershipArgs
from components.unanswered import awaited
from tests.components.providers.box import Box, BoxArgs, Join, JoinArgs

config = pulumi.Config()
identity = config.require_object("identity")
names = config.require_object("names")


def join(name):
    box = Box(name, BoxArgs(size=config.require("size")))
    membership = Membership(f"{name}-membership", MembershipArgs(
        cluster="cluster1",
        node=name,
        role="worker",
        pool="general",
        address="192.0.2.21",
        peers=[],
        machine_id=box.id,
        identity=identity,
        drain_seconds=1,
        force=False,
    ))
    file = Path(config.require("nodes")) / name
    return Join(f"{name}-join", JoinArgs(str(file), box.id, membership.id))


async def main():
    announce(SimpleNamespace(clusters=[SimpleNamespace(
        name="cluster1",
        control_planes=[],
        data_loss="", machines=[],
        workers=[SimpleNamespace(name=name, pool="general") for name in names],
        upgrade=SimpleNamespace(max_unavailable=config.require_int("limit"), pool_limits={}),
    )]))
    await awaited({name: join(name).id for name in names})
    return {"names": names}


pulumi.run(main)
"""
NAMES = [f"worker-{index}" for index in range(5)]


class Cluster:
    """Nodes as files of a folder; `out` is how many of NAMES were missing at each departure."""

    def __init__(self, api: Api, folder: Path) -> None:
        self.folder = folder
        self.expected = set(NAMES)
        self.out: list[int] = []
        folder.mkdir()
        api.answers["GET /api/v1/nodes"] = lambda: (200, {"items": [*map(_node, self.there)]})
        api.answers["GET /api/v1/pods"] = (200, {"items": []})
        for name in NAMES:
            path = f"/api/v1/nodes/{name}"
            api.answers[f"GET {path}"] = api.answers[f"PATCH {path}"] = (200, _node(name))
            api.answers[f"DELETE {path}"] = self._leaves(name)

    @property
    def there(self) -> list[str]:
        return sorted(file.name for file in self.folder.glob("worker-*"))

    def _leaves(self, name: str) -> Callable[[], Answer]:
        def leave() -> Answer:
            (self.folder / name).unlink()
            self.out.append(len(self.expected.difference(self.there)))
            return 200, {}

        return leave


def _node(name: str) -> dict[str, Any]:
    ready = {"type": "Ready", "status": "True"}
    return {"metadata": {"name": name}, "spec": {}, "status": {"conditions": [ready]}}


@pytest.fixture
def cluster(api: Api, tmp_path: Path) -> Cluster:
    return Cluster(api, tmp_path / "nodes")


@pytest.fixture
def stack(api: Api, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """Five workers that have joined."""
    monkeypatch.setenv("PULUMI_CONTINUE_ON_ERROR", "true")
    (tmp_path / "stack").mkdir()
    stack = Stack(tmp_path / "stack", PROGRAM)
    stack.configure(
        identity=json.dumps(api.identity),
        names=json.dumps(NAMES),
        limit="1",
        size="small",
        nodes=str(cluster.folder),
    )
    made = stack.up()
    assert made.status == 0, made.output
    assert cluster.there == NAMES
    return stack


def up(stack: Stack, parallel: int = 32) -> Finished:
    return stack.finish(stack.start("up", "--yes", "--skip-preview", "--parallel", str(parallel)))


def test_machines_are_replaced_one_after_the_other(stack: Stack, cluster: Cluster) -> None:
    stack.configure(size="large")
    finished = up(stack)
    assert finished.status == 0, finished.output
    assert cluster.out == [1] * len(NAMES)
    assert cluster.there == NAMES
    assert "waiting for other machines" in finished.output
    stack.configure(size="small", limit="2")
    assert up(stack).status == 0
    assert max(cluster.out) == 2
    assert cluster.there == NAMES


def test_machines_that_wait_leave_the_engine_room_for_successors(
    stack: Stack, cluster: Cluster
) -> None:
    stack.configure(size="large")
    for _ in NAMES:
        finished = up(stack, parallel=2)
        if finished.status == 0:
            break
        assert "--parallel 2 allows" in finished.output
        assert "Nothing was changed on it: run `fleet up` again" in finished.output
    assert finished.status == 0, finished.output
    assert cluster.out == [1] * len(NAMES)
    assert cluster.there == NAMES


def test_a_machine_that_cannot_leave_stops_the_others_and_ends_the_run(
    api: Api, stack: Stack, cluster: Cluster
) -> None:
    """An engine that continues on errors does not answer the registration of what it replaces."""
    stack.configure(size="large")
    paths = [f"DELETE /api/v1/nodes/{name}" for name in NAMES]
    allowed = {path: api.answers[path] for path in paths}
    for path in paths:
        api.answers[path] = (403, {"message": "not today"})
    failed = up(stack)
    assert failed.status != 0
    assert f"not replaced: {len(NAMES)} machines; see the errors" in failed.output
    assert "could not leave (see its error)" in failed.output
    assert sum(asked in paths for asked in api.asked) == 1, "only one was tried"
    assert stack.outputs() == {"names": NAMES}
    api.answers.update(allowed)
    finished = up(stack)
    assert finished.status == 0, finished.output
    assert cluster.out == [1] * len(NAMES)


def test_a_machine_that_does_not_come_back_frees_those_that_wait_for_it(
    stack: Stack, cluster: Cluster
) -> None:
    (cluster.folder / "broken").touch()
    stack.configure(size="large")
    began = time.monotonic()
    failed = up(stack)
    assert failed.status != 0
    assert "did not come back (see its error)" in failed.output
    assert time.monotonic() - began < 60, "it is not a time-out"
    assert len(cluster.there) == len(NAMES) - 1, "only one left"
    (cluster.folder / "broken").unlink()
    finished = up(stack)
    assert finished.status == 0, finished.output
    assert cluster.there == NAMES


def test_removed_machines_leave_one_after_the_other(stack: Stack, cluster: Cluster) -> None:
    cluster.expected = set(NAMES[:2])
    stack.configure(names=json.dumps(NAMES[:2]))
    finished = up(stack)
    assert finished.status == 0, finished.output
    assert cluster.out == [0] * 3
    assert cluster.there == NAMES[:2]
