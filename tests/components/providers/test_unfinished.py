"""A rollout that failed: what the next preview and another operator's refresh see of it."""

import socket
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from components.providers import rollout, rollout_plan
from components.providers.rollout import RolloutProvider
from ops.errors import OperatorError
from ops.rollout.desired import DesiredCluster
from ops.rollout.progress import Progress
from tests.ops.kube.api_server import Api, saved, serving
from tests.ops.rollout.examples import CLUSTER, found, inputs
from tests.ops.rollout.fakes import FakeFleet, FakeNodes, alike, machines_of

NEWER = "v1.37.2"
SETTINGS = "maxPods: 50"
SECOND = "a-control-plane-1"
FAILURE = OperatorError("it does not start")


class Fleet(FakeFleet):
    """A fleet on one of whose machines one operation fails."""

    def __init__(self) -> None:
        super().__init__(inputs(), alike(inputs(), staged=(NEWER,)))
        self.bad: tuple[str, str] | None = None

    def call(self, call: str, name: str) -> None:
        super().call(call, name)
        if (call, name) == self.bad:
            raise FAILURE


class Engine:
    """What the engine does to a rollout: after a failure it keeps the former inputs and outputs."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.inputs = RolloutProvider().check({}, inputs()).inputs
        self.outputs = {
            **self.inputs, "found": {}, "rolled": "", "drift": {}, "unavailable": {},
        }  # fmt: skip

    def preview(self, news: Any) -> dict[str, str] | None:
        """Return the plan if there is a change."""
        checked = RolloutProvider().check(self.inputs, news).inputs
        changes = RolloutProvider().diff("id", self.outputs, checked).changes
        plan: dict[str, str] = checked["plan"]
        return plan if changes else None

    def up(self, news: Any) -> None:
        checked = RolloutProvider().check(self.inputs, news).inputs
        self.fleet.props = news
        if RolloutProvider().diff("id", self.outputs, checked).changes:
            self.outputs = RolloutProvider().update("id", self.outputs, checked).outs or {}
        self.inputs = checked

    def refresh(self) -> dict[str, Any]:
        drift: dict[str, Any] = RolloutProvider().read("id", self.outputs).outs["drift"]  # type: ignore[index]
        return drift


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Fleet:
    made = Fleet()

    def machines(props: Any) -> Any:
        made.props = props
        return machines_of(made)

    monkeypatch.setattr(rollout, "_machines", machines)
    for module in (rollout, rollout_plan):
        monkeypatch.setattr(module, "nodes_of", lambda _: FakeNodes(made))
    monkeypatch.setattr(rollout, "_progress", lambda _: Progress(made.log))
    monkeypatch.setattr(rollout_plan, "_losses", lambda *_: {})
    return made


@pytest.fixture
def engine(fleet: Fleet) -> Engine:
    return Engine(fleet)


def fail(engine: Engine, bad: tuple[str, str], news: Any) -> None:
    engine.fleet.bad = bad
    with pytest.raises(OperatorError, match=str(FAILURE)):
        engine.up(news)
    engine.fleet.bad = None


def settled(engine: Engine, news: Any) -> bool:
    """Whether every machine is what is wanted, nothing is left, and nothing is remembered."""
    wanted, fleet = DesiredCluster.of(news), engine.fleet
    return (
        {(each.version, each.applied.kubelet) for each in fleet.found.values()}
        == {(wanted.version, wanted.kubelet)}
        and fleet.joining == (wanted.control, wanted.kubelet)
        and fleet.record is None
        and engine.preview(news) is None
    )


def test_a_failed_change_that_is_reverted_is_seen_without_a_refresh_and_undone(
    engine: Engine, fleet: Fleet
) -> None:
    fail(engine, ("apply_kubelet", "a-worker-0"), inputs(kubelet_document=SETTINGS))
    plan = engine.preview(inputs())
    assert plan is not None
    planes = [f"a-control-plane-{number}" for number in range(3)]
    assert list(plan) == [*planes, "a-worker-0"]
    assert "a change of kubelet settings was begun at " in plan["a-control-plane-0"]
    assert "is not finished: 3 of 6 machines have it" in plan["a-control-plane-0"]
    assert plan["a-worker-0"].startswith("repaired because a change begun at ")
    assert plan["a-worker-0"].endswith("kubelet restarted, pods keep running")
    former = DesiredCluster.of(inputs())
    assert fleet.joining == (former.control, former.kubelet), "no machine joins with them"
    engine.up(inputs())
    assert settled(engine, inputs())


def test_a_failed_change_is_continued_where_it_stopped(engine: Engine, fleet: Fleet) -> None:
    news = inputs(kubelet_document=SETTINGS)
    fail(engine, ("apply_kubelet", "a-worker-0"), news)
    plan = engine.preview(news)
    assert plan is not None
    assert sorted(plan) == ["a-control-plane-0", "a-worker-0", "a-worker-1", "a-worker-2"]
    assert plan["a-control-plane-0"].startswith("repaired because a change of kubelet settings")
    fleet.calls.clear()
    engine.up(news)
    assert fleet.called("apply_kubelet") == ["a-worker-0", "a-worker-1", "a-worker-2"]
    assert settled(engine, news)


def test_a_change_that_is_continued_is_described_once_and_only_where_it_is_made(
    engine: Engine,
) -> None:
    slower = f"{CLUSTER}scheduler: {{extraArgs: [{{name: v, value: '4'}}]}}\n"
    news = inputs(kubelet_document=SETTINGS, cluster_document=slower)
    fail(engine, ("apply_kubelet", "a-control-plane-2"), news)
    plan = engine.preview(news)
    assert plan is not None
    assert plan["a-control-plane-2"].count("kube-scheduler restarted") == 1
    assert "kube-scheduler" not in plan["a-worker-0"]
    assert plan["a-worker-0"].count("kubelet restarted") == 1


def test_a_refresh_reports_an_unfinished_rollout(engine: Engine) -> None:
    fail(engine, ("apply_kubelet", "a-worker-0"), inputs(kubelet_document=SETTINGS))
    drift = engine.refresh()
    (why,) = [each["why"] for each in drift["a-control-plane-0"] if each["kind"] == "unfinished"]
    assert why.endswith("is not finished: 3 of 6 machines have it")
    assert {"kind": "kubelet", "why": "the kubelet's settings changed"} in drift[SECOND]


def test_cordons_of_a_failed_upgrade_are_lifted_when_it_is_reverted(
    engine: Engine, fleet: Fleet
) -> None:
    patch = inputs(version="v1.36.4")
    fail(engine, ("drain", "a-control-plane-0"), patch)
    engine.up(inputs())
    assert fleet.called("uncordon") == ["a-control-plane-0"]
    assert settled(engine, inputs())


def test_a_machine_that_dies_during_an_upgrade_can_be_replaced(
    engine: Engine, fleet: Fleet
) -> None:
    news = inputs(version=NEWER)
    fail(engine, ("upgrade_control_plane", SECOND), news)
    fleet.found[SECOND] = replace(fleet.found[SECOND], unreachable="no route")
    with pytest.raises(OperatorError, match=f"{SECOND} is unreachable"):
        engine.up(news)
    news["machine_ids"][SECOND] = "another"
    assert engine.preview(news) is not None
    # It joins before the rollout, with the version that the cluster records.
    joined = found(DesiredCluster.of(news).by_name[SECOND])
    fleet.found[SECOND] = replace(joined, applied=replace(joined.applied, control="-", kubelet="-"))
    engine.up(news)
    assert settled(engine, news)


def test_a_worker_may_join_while_control_planes_are_upgraded(engine: Engine) -> None:
    news = inputs(version=NEWER)
    fail(engine, ("upgrade_control_plane", SECOND), news)
    news["machine_ids"]["a-worker-0"] = "another"
    assert engine.preview(news) is not None


def test_a_machine_does_not_join_before_the_cluster_has_the_version(
    engine: Engine, fleet: Fleet
) -> None:
    news = inputs(version=NEWER)
    fail(engine, ("upgrade_first", "a-control-plane-0"), news)
    news["machine_ids"]["a-worker-0"] = "another"
    with pytest.raises(OperatorError, match=r"while the API is still v1\.36\.3"):
        engine.preview(news)
    reverted = inputs()
    reverted["machine_ids"]["a-worker-0"] = "another"
    assert engine.preview(reverted) is not None


def test_an_upgrade_of_control_planes_that_was_begun_is_not_reverted(engine: Engine) -> None:
    fail(engine, ("upgrade_control_plane", SECOND), inputs(version=NEWER))
    with pytest.raises(
        OperatorError, match=r"v1\.36\.3 is older than v1\.37\.2, which the cluster"
    ):
        engine.preview(inputs())


def test_a_rollout_looks_at_the_machines_of_an_expired_cluster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(valid=timedelta(minutes=-1)) as api:
        props = inputs(identity=api.identity)
        checked = RolloutProvider().check(props, props).inputs
    assert checked["unfinished"] == "the API server's certificate has expired"
    assert [*checked["plan"]] == [f"a-control-plane-{number}" for number in range(3)]


def test_a_silent_endpoint_does_not_hold_a_preview_up(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollout_plan, "RECORD_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = api.kubeconfig.split("https://127.0.0.1:")[1].split("\n")[0]
        kubeconfig = api.kubeconfig.replace(server, str(silent.getsockname()[1]))
        props = inputs(identity=saved(kubeconfig))
        began = time.monotonic()
        checked = RolloutProvider().check(props, props).inputs
        assert time.monotonic() - began < 2
    assert (checked["unfinished"], checked["plan"]) == ("", {})


@pytest.mark.parametrize(("force", "then"), [(False, "the run fails"), (True, "the remaining")])
def test_a_preview_says_how_long_drains_may_take(
    engine: Engine, fleet: Fleet, force: bool, then: str
) -> None:
    policy = {**inputs()["policy"], "force": force}
    engine.preview(inputs(policy=policy, kubelet_document=SETTINGS))
    assert "drain" not in fleet.said[-1]
    engine.preview(inputs(policy=policy, version=NEWER))
    assert f"  each drain may take 60 s; after that, {then}" in fleet.said[-1]


def test_an_api_server_that_does_not_run_is_a_change(api: Api) -> None:
    """A change may have stopped it, and have been killed and reverted: then no input differs."""
    with socket.create_server(("127.0.0.1", 0)) as former:
        port = former.getsockname()[1]
    server = api.kubeconfig.split("https://127.0.0.1:")[1].split("\n")[0]
    kubeconfig = api.kubeconfig.replace(server, str(port))
    props = inputs(identity=saved(kubeconfig))
    checked = RolloutProvider().check(props, props).inputs
    assert sorted(checked["plan"]) == [f"a-control-plane-{number}" for number in range(3)]
    assert checked["plan"]["a-control-plane-0"].startswith(
        "repaired because the API server does not run ("
    )
    recorded = {**props, "found": {}, "rolled": "", "drift": {}, "unavailable": {}}
    assert RolloutProvider().diff("", recorded, checked).changes


def test_an_unfinished_rollout_waits_for_an_earlier_wave(engine: Engine, fleet: Fleet) -> None:
    fail(engine, ("apply_kubelet", "a-worker-0"), inputs(kubelet_document=SETTINGS))
    fleet.calls.clear()
    soon = {"until": "2999-01-01T00:00:00+00:00", "for": ["canary"]}
    engine.up(inputs(held_by=[soon]))
    assert fleet.calls == []
    assert fleet.record
    engine.up(inputs())
    assert settled(engine, inputs())
