"""The record of a rollout in its cluster, and runs that were killed at any moment."""

from hashlib import sha256
from typing import Any

import pytest

from ops.kube import client, published_authorities
from ops.kube.nodes import SYSTEM
from ops.rollout.cluster_nodes import RECORD, ClusterNodes
from ops.rollout.desired import DesiredCluster
from ops.rollout.record import WRITES, RolloutMemory, RolloutRecord
from tests.ops.kube.api_server import Api
from tests.ops.rollout.examples import inputs
from tests.ops.rollout.fakes import FakeFleet, alike, run

NEWER = "v1.37.2"
SETTINGS = {"kubelet_document": "maxPods: 50"}
CHANGES: list[dict[str, Any]] = [SETTINGS, {"version": NEWER}]
MACHINES = frozenset(f"cluster-with-a-long-name-worker-{n}" for n in range(1000))
NEW = RolloutRecord(
    "2026-11-26T01:00:00+00:00", "t1", NEWER, ("kubelet",), ("kubelet settings",), MACHINES
)


class Killed(BaseException):
    """A run ends here."""


class Mortal(FakeFleet):
    """A fleet whose run is killed before the call of this number, and then does nothing more."""

    left = 0

    def point(self, what: str) -> None:
        if self.left == 1:
            raise Killed
        self.left -= 1


class Store:
    def __init__(self) -> None:
        self.written: list[dict[str, str]] = []

    def write_record(self, data: Any) -> None:
        self.written.append(data)


def points(change: dict[str, Any]) -> int:
    """How many moments a run for this change has."""
    fleet = Mortal(inputs(**change), alike(inputs(), staged=(NEWER,)))
    run(fleet)
    return -fleet.left


def assert_converged(fleet: FakeFleet) -> None:
    wanted = DesiredCluster.of(fleet.props)
    for machine in wanted.machines:
        found = fleet.found[machine.name]
        assert (found.version, found.applied.kubelet) == (wanted.version, wanted.kubelet)
        assert found.node
        assert not found.node.cordoned
    assert fleet.joining == (wanted.control, wanted.kubelet)
    assert fleet.record is None
    assert not run(fleet), "something is left"


@pytest.mark.parametrize(
    ("change", "moment"),
    [(change, moment) for change in CHANGES for moment in range(1, points(change) + 1)],
)
def test_a_run_that_was_killed_at_any_moment_is_completed(
    change: dict[str, Any], moment: int
) -> None:
    fleet = Mortal(inputs(**change), alike(inputs(), staged=(NEWER,)))
    fleet.left = moment
    with pytest.raises(Killed):
        run(fleet)
    changed = [call for call, _ in fleet.calls if "apply" in call or "upgrade" in call]
    assert fleet.record or not set(changed) - {"check_upgrade"}, "recorded before the change"
    fleet.left = 0
    run(fleet)
    assert_converged(fleet)


@pytest.mark.parametrize("moment", range(1, points(SETTINGS) + 1))
def test_a_killed_change_of_settings_is_undone_at_any_moment(moment: int) -> None:
    fleet = Mortal(inputs(**SETTINGS), alike(inputs(), staged=(NEWER,)))
    fleet.left = moment
    with pytest.raises(Killed):
        run(fleet)
    fleet.left, fleet.props = 0, inputs()
    run(fleet)
    assert_converged(fleet)


def test_machines_join_with_new_documents_only_when_all_have_them() -> None:
    fleet = FakeFleet(inputs(**SETTINGS), alike(inputs()))
    former = fleet.joining

    class Watching(FakeFleet):
        def call(self, call: str, name: str) -> None:
            super().call(call, name)
            if call == "apply_kubelet":
                assert self.joining == former

    fleet = Watching(inputs(**SETTINGS), alike(inputs()))
    run(fleet)
    assert fleet.joining != former


def test_a_repair_is_not_recorded() -> None:
    fleet = FakeFleet(inputs(), alike(inputs(), cleanup_pending=True))
    assert run(fleet)
    assert fleet.records == []


def test_record_of_a_large_rollout_is_small_and_written_a_bounded_number_of_times() -> None:
    store = Store()
    memory = RolloutMemory(store, NEW)
    for machine in sorted(MACHINES):
        memory.begin(machine)
        memory.end(machine)
    memory.flush()
    assert len(store.written) <= 2 * WRITES + 2
    assert max(len(str(data)) for data in store.written) < 64 * 1024
    assert RolloutRecord.of(store.written[0]) == NEW
    assert RolloutRecord.of(store.written[-1]).done == MACHINES


def test_a_small_rollout_records_every_step() -> None:
    store = Store()
    record = RolloutRecord("t", "t1", NEWER, ("kubelet",), ("kubelet settings",), frozenset("ab"))
    memory = RolloutMemory(store, record)
    memory.begin("a")
    memory.end("a")
    memory.begin("another, which is only repaired")
    states = [(data["left"], data["begun"], data["done"]) for data in store.written]
    assert states == [("a b", "", ""), ("b", "a", ""), ("b", "", "a")]
    assert RolloutRecord.of(store.written[-1]).summary == (
        "a change of kubelet settings was begun at t and is not finished: 1 of 2 machines have it"
    )


def test_what_an_unfinished_rollout_touched_stays_known() -> None:
    former = RolloutRecord(
        "t0", "t0", NEWER, ("kubelet",), ("kubelet settings",),
        left=frozenset("c"), begun=frozenset("b"), done=frozenset("a"),
    )  # fmt: skip
    undoing = RolloutRecord(
        "t1", "t1", NEWER, ("mirrors",), ("registry mirrors",), left=frozenset("abd")
    ).started(former)
    assert (undoing.since, undoing.changes) == ("t1", ("kubelet", "mirrors"))
    assert (undoing.left, undoing.begun, undoing.done) == (
        frozenset("d"),
        frozenset("ab"),
        frozenset(),
    )
    assert undoing.unsettled("t1") == frozenset("abd")
    assert former.unsettled("t1") == frozenset("ab")
    assert former.unsettled("t0") == frozenset("bc")


def test_record_is_a_config_map_that_refreshes_and_previews_can_read(api: Api) -> None:
    nodes = ClusterNodes(client.of(api.kubeconfig), drain_seconds=1, force=False)
    assert nodes.unfinished() is None
    api.answers[f"PATCH {RECORD}"] = (200, {})
    nodes.write_record(NEW.data)
    sent = api.sent[f"PATCH {RECORD}"]
    assert api.types[f"PATCH {RECORD}"] == client.APPLY
    api.answers[f"GET {RECORD}"] = (200, sent)
    assert nodes.unfinished() == NEW
    nodes.remove_record()
    assert api.asked[-1] == f"DELETE {RECORD}"


def test_documents_that_a_person_edited_are_not_those_that_were_uploaded(api: Api) -> None:
    """kubeadm drops the note when it writes them, `kubectl edit` does not."""
    texts = {"ClusterConfiguration": "kubernetesVersion: v1.36.3\n", "kubelet": "maxPods: 77\n"}
    for name, (key, text) in zip(("kubeadm-config", "kubelet-config"), texts.items(), strict=True):
        noted = {
            "kubeadm-fleet/document": key,
            "kubeadm-fleet/checksum": sha256(text.encode()).hexdigest(),
        }
        body = {"metadata": {"annotations": noted}, "data": {key: text}}
        api.answers[f"GET {SYSTEM}/configmaps/{name}"] = (200, body)
    api.answers[f"GET {published_authorities.PATH}"] = (200, {"data": {}})
    nodes = ClusterNodes(client.of(api.kubeconfig), drain_seconds=1, force=False)
    found = nodes.observe_cluster()
    assert (found.control, found.kubelet) == ("ClusterConfiguration", "kubelet")
    body["data"] = {"kubelet": "maxPods: 5\n"}
    assert nodes.observe_cluster().kubelet == ""
