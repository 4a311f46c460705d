"""What was told is neither over nor told again while what it was read from says nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from model.watch.event import Change
from model.watch.finding import Snapshot
from model.watch.state import Clock, State
from ops.kube import api_services, host_reports, node_status, reachability
from ops.kube.apply import FIELD_MANAGER
from ops.kube.cluster_status import read_add_on
from ops.kube.host_reports import Reading
from ops.kube.node_status import NodeReading
from ops.kube.reachability import Probe, Report
from ops.watch import findings, pods
from ops.watch.pods import Pod
from ops.watch.slow import RIGHTS
from ops.watch.sources import ADD_ONS, NODES, PODS
from ops.watch.view import Limits, Slow, Unmeasured, View
from tests.ops.kube.test_api_services import registered
from tests.ops.watch import watched_api
from tests.ops.watch.watched_api import Thing, component, differs, pod, probe, reaches, says

NOW = datetime.now(UTC)
NAMES = ("n0", "n1", "n2")
COMPONENTS = ("etcd", *findings.COMPONENTS)
SERVING = (NOW - timedelta(days=99), NOW + timedelta(days=1))
DNS = {"k8s-app": "kube-dns"}
NO_RIGHTS = dict.fromkeys(RIGHTS, False)


def nodes(**ready: str) -> tuple[NodeReading, ...]:
    """Three Nodes, of which the first is the control plane; Ready unless said otherwise."""
    every = (
        watched_api.node(name, is_plane=name == "n0", ready=ready.get(name, "True"))
        for name in NAMES
    )
    return tuple(node_status.read("c", each, FIELD_MANAGER) for each in every)


def running(*others: Thing) -> tuple[Pod, ...]:
    """The pods of a healthy cluster, some of them replaced by others of their names."""
    every = [
        *(component(name, "n0") for name in COMPONENTS),
        *(probe(name, index) for index, name in enumerate(NAMES)),
        pod("coredns", "n0", DNS),
    ]
    named = {each["metadata"]["name"]: each for each in (*every, *others)}
    return tuple(found for each in named.values() if (found := pods.read(each)))


def reports(*silent: str, **lines: str) -> tuple[Reading, ...]:
    """What machines say: nothing unusual unless said otherwise."""
    saved = says(backup={"time": int(NOW.timestamp()), "failure": ""})
    usual = {"n0": saved, "n1": says(), "n2": says()} | lines
    return tuple(
        host_reports.parsed(name, line, None) for name, line in usual.items() if name not in silent
    )


def network(
    *silent: str, ago: timedelta = timedelta(), lost: int | None = None, by: tuple[int, ...] = (0,)
) -> Any:
    """What probes reach: that of the first Node said so a while ago, and some lost another one."""
    gaps = {} if lost is None else {watched_api.address(lost): "2026-11-27T08:00:00Z"}
    found: dict[Probe, Report] = {}
    for index, name in enumerate(NAMES):
        if name not in silent:
            report = reachability.parsed(reaches(3, index, gaps if index in by else {}))
            time = report.time - (timedelta() if index else ago)
            key = Probe(name, f"probe-{name}", watched_api.address(index))
            found[key] = replace(report, time=time)
    return found


def slowly(**others: Any) -> Slow:
    """What is read seldom, healthy but for this."""
    serving = (SERVING[0], NOW + timedelta(days=300))
    healthy: dict[str, Any] = {"serving": serving, "etcd_bytes": 1, "rights": NO_RIGHTS}
    return Slow(**(healthy | others))


def view(**others: Any) -> View:
    """A cluster that is healthy but for this."""
    healthy: dict[str, Any] = {
        "nodes": nodes(),
        "pods": running(),
        "network": network(),
        "hosts": reports(),
        "slow": slowly(),
        "registrations": (),
        "is_measured": True,
    }
    return View("c", **(healthy | others))


def broken_proxy() -> Any:
    status = {"desiredNumberScheduled": 3, "numberReady": 1}
    workload = {"spec": {"template": {"spec": {"containers": [{"image": "r/p:v1"}]}}}}
    pair = read_add_on({"metadata": {"name": "kube-proxy"}, "status": status, **workload})
    return (pair[0],) if pair else ()


STOPPED = component("kube-scheduler", "n0", ready="False")
DRIFT = {"hosts": reports(n1=says(differs("/etc/x")))}
LOST = {"network": network(lost=1)}
EXPIRED = {"hosts": reports(n1=says(certificates={"x": int(NOW.timestamp()) - 5}))}
UNSAVED = says(backup={"time": int(NOW.timestamp()), "failure": "no space left on device"})
OLD = says(backup={"time": int(NOW.timestamp()) - 3 * 86400, "failure": ""})
FULL = {"slow": slowly(etcd_bytes=2 << 30)}
UNAVAILABLE = api_services.registration(registered(reason="FailedDiscoveryCheck"))
# What is wrong in a cluster, and how what it was read from is silent then.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Nodes are not read": (
        {"nodes": nodes(n1="Unknown")},
        {"nodes": (), "unread": frozenset({NODES})},
    ),
    "pods are not read": (
        {"pods": running(pod("coredns", "n0", DNS, ready="False"))},
        {"pods": (), "unread": frozenset({PODS})},
    ),
    "add-ons are not read": ({"add_ons": broken_proxy()}, {"unread": frozenset({ADD_ONS})}),
    "the probe pod of a machine is another one": (DRIFT, {"hosts": reports("n1")}),
    "a machine with a certificate is silent": (EXPIRED, {"hosts": reports("n1")}),
    "a machine without a snapshot is silent": (
        {"hosts": reports(n0=UNSAVED)},
        {"hosts": reports("n0")},
    ),
    "the machines with old snapshots are silent": (
        {"hosts": reports(n0=OLD)},
        {"hosts": reports("n0")},
    ),
    "a machine reports no more": (DRIFT, {"hosts": reports(n1=says(reporting=False))}),
    "a probe is another one": (LOST, {"network": network("n0")}),
    "the log of a probe is cut off": (
        LOST,
        {
            "network": network(lost=1, ago=2 * reachability.STALE),
            "silent_networks": frozenset({"n0"}),
        },
    ),
    "a probe hangs": (LOST, {"network": network(lost=1, ago=2 * reachability.STALE)}),
    "all probes that miss a Node are silent": (
        {"network": network(lost=1, by=(0, 2))},
        {"network": network("n0", "n2")},
    ),
    "the Node of a probe is not Ready": (LOST, LOST | {"nodes": nodes(n0="Unknown")}),
    "the Node of a component is not Ready": (
        {"pods": running(STOPPED)},
        {"pods": running(STOPPED), "nodes": nodes(n0="Unknown")},
    ),
    "the API server's certificate is not read": (
        {"slow": slowly(serving=SERVING)},
        {"slow": slowly(serving=None)},
    ),
    "the Node of a probe that does not run is not Ready": (
        {"pods": running(probe("n1", 1, ready="False"))},
        {"nodes": nodes(n1="Unknown")},
    ),
    "etcd's quota is not read": (FULL, FULL | {"pods": (), "unread": frozenset({PODS})}),
    "etcd's size is not read": (FULL, {"slow": slowly(etcd_bytes=0)}),
    "what the credential may do is not answered": (
        {"slow": slowly(rights=NO_RIGHTS | {"create pods": True})},
        {"slow": slowly(rights={})},
    ),
    "aggregated APIs are not read": (
        {"registrations": (UNAVAILABLE,)},
        {"registrations": None},
    ),
    "metrics-server does not work": (
        {"unmeasured": {"n1": Unmeasured()}},
        {"is_measured": False},
    ),
    "a Node is not measured for the first time": (
        {"unmeasured": {"n1": Unmeasured()}},
        {"unmeasured": {"n1": Unmeasured(is_certain=False)}},
    ),
    "a Node that is not measured is not Ready": (
        {"unmeasured": {"n1": Unmeasured()}},
        {"nodes": nodes(n1="Unknown")},
    ),
    "a kubelet is not asked yet": (
        {"unmeasured": {"n1": Unmeasured(why="no answer")}},
        {"unmeasured": {"n1": Unmeasured(is_heard=False, is_certain=False)}},
    ),
    "no log of a kubelet was read yet": (
        {"cut_off": {"n1": "connection refused"}},
        {"silent_hosts": frozenset({"n1"}), "silent_networks": frozenset({"n1"})},
    ),
    "the Node of a kubelet is not Ready": (
        {"unmeasured": {"n1": Unmeasured(why="no answer")}},
        {"nodes": nodes(n1="Unknown")},
    ),
}


class Life:
    """A state to which views are shown, each for longer than any hold."""

    def __init__(self) -> None:
        self.state, self.seconds = State(), 0.0

    def see(self, seen: View) -> list[tuple[Change, str]]:
        snapshot = findings.snapshot(seen, Limits())
        events = []
        for _ in range(3):
            self.seconds += 3600.0
            clock = Clock(NOW + timedelta(seconds=self.seconds), self.seconds)
            events += self.state.update("c", snapshot, clock)
        return [(each.event, each.reason) for each in events]


def test_a_healthy_cluster_has_nothing_wrong_and_all_of_it_is_known() -> None:
    assert findings.snapshot(view(), Limits()) == Snapshot()


@pytest.mark.parametrize("case", CASES)
def test_what_is_silent_is_neither_over_nor_told_again(case: str) -> None:
    before, silent = CASES[case]
    life = Life()
    ((_, reason),) = began = life.see(view(**before))
    assert began == [(Change.BEGAN, reason)]
    told = [*life.see(view(**silent)), *life.see(view(**before))]
    assert reason not in [each for _, each in told]
    assert (Change.ENDED, reason) in life.see(view())


def test_what_few_probes_say_is_told_when_the_others_were_not_heard_for_a_while() -> None:
    lost, silent = network("n2", lost=1, by=(0, 2)), frozenset({"n2"})
    (early,) = findings.snapshot(view(network=lost, silent_networks=silent), Limits()).findings
    (late,) = findings.snapshot(view(network=network(lost=1, by=(0, 2))), Limits()).findings
    assert (early.item, early.hold) == ("n0>n1", findings.PROBES_HOLD)
    assert (late.item, late.hold) == ("n1", 0.0)


def test_what_a_machine_says_holds_whether_its_node_is_ready_or_not() -> None:
    life = Life()
    assert life.see(view(**DRIFT)) == [(Change.BEGAN, "HostDrift")]
    lost = {"nodes": nodes(n1="Unknown")}
    assert life.see(view(**DRIFT, **lost)) == [(Change.BEGAN, "NotReady")]
    assert life.see(view(**lost)) == [(Change.ENDED, "HostDrift")]
