"""What people and machines do to a cluster between two runs."""

from dataclasses import replace

import pytest

from ops.errors import OperatorError
from ops.rollout import diff, node_rows, preview
from ops.rollout.cluster_change import ClusterChange
from ops.rollout.record import RolloutRecord
from ops.rollout.refusals import MANIFEST
from tests.ops.rollout.examples import inputs, plan
from tests.ops.rollout.fakes import FakeFleet, alike, run

NEWER = "v1.37.2"
PLANE, WORKER = "a-control-plane-0", "a-worker-0"


def fleet_with_upgraded_plane(*, has_manifest: bool, interrupted: bool) -> FakeFleet:
    """A control plane has a newer kubelet than is configured, and perhaps newer static pods."""
    like = alike(inputs())
    one = like[PLANE]
    like[PLANE] = replace(
        one,
        version=NEWER,
        is_interrupted=interrupted,
        files={MANIFEST: "new" if has_manifest else "old"},
        applied=replace(one.applied, files={MANIFEST: "old"}),
    )
    return FakeFleet(inputs(), like)


def test_a_control_plane_that_was_upgraded_is_not_taken_back_when_the_version_is_reverted() -> None:
    """Its upgrade failed before the cluster recorded it, so that the preview cannot know."""
    fleet = fleet_with_upgraded_plane(has_manifest=True, interrupted=False)
    with pytest.raises(
        OperatorError, match=f"{PLANE}: v1.36.3 is older than v1.37.2, which the cluster runs"
    ):
        run(fleet)
    assert fleet.calls == []


@pytest.mark.parametrize(("has_manifest", "interrupted"), [(False, False), (True, True)])
def test_a_replaced_program_and_an_interrupted_upgrade_of_a_control_plane_are_undone(
    has_manifest: bool, interrupted: bool
) -> None:
    fleet = fleet_with_upgraded_plane(has_manifest=has_manifest, interrupted=interrupted)

    class Repaired(FakeFleet):
        def call(self, call: str, name: str) -> None:
            super().call(call, name)
            if call == "set_metadata":
                self.found[name] = alike(inputs())[name]

    fleet.__class__ = Repaired
    assert run(fleet)
    assert fleet.called("repair") == [PLANE]


def test_a_cluster_that_a_person_upgraded_is_not_downgraded() -> None:
    fleet = FakeFleet(inputs(), alike(inputs()))
    fleet.recorded = fleet.recorded.replace("v1.36.3", NEWER)
    with pytest.raises(OperatorError, match=r"cluster a: v1\.36\.3 is older than v1\.37\.2"):
        run(fleet)
    assert fleet.calls == []


def test_an_unfinished_change_is_previewed_by_what_each_role_has_of_it() -> None:
    left = RolloutRecord(
        "t", "another", "v1.36.3", ("kubeadm", "control-plane", "kubelet", "load-balancer"), ("x",),
        begun=frozenset({PLANE, WORKER}),
    )  # fmt: skip
    same = ClusterChange.of(inputs(), inputs())
    planned = plan(inputs(), inputs(), preview.with_unfinished(same, {}, left))
    why = "repaired because a change begun at t is not finished"
    assert planned[WORKER] == f"{why}: kubelet restarted, pods keep running"
    assert f"{why}: its control-plane pods restarted" in planned[PLANE]


def test_drift_that_another_version_of_the_program_recorded_is_shown_as_a_repair() -> None:
    (action,) = diff.from_state([{"kind": "renamed-since", "why": "it is old"}])
    assert (action.kind, action.why) == (node_rows.REPAIR, "it is old")
