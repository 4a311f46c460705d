"""`fleet watch` on real clusters, by a person with the role watcher: what breaks is told once.

The faults are over before Kubernetes itself notices: a Node without a kubelet is Ready for 50 s.
"""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from model.watch.event import Change, Event
from tests.e2e.kubectl import Kubectl
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import CHECKOUT, PulumiStack
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(900)]

PLANE, WORKER = "cluster1-control-plane-0", "cluster1-worker-0"
OTHER_PLANE = "cluster2-control-plane-0"
FILE = "/etc/systemd/system/containerd.service"
PROBE = "kubeadm-fleet-probe"
PEOPLE = {"users": {"watch": {"access": [{"role": "watcher"}], "lifetime": "1d"}}}
WITHIN_SECONDS = 30
# What waits for a timer of a machine takes longer on a busy host.
SLOWEST_SECONDS = 90
KUBELET = ("cluster1", WORKER, "KubeletUnreachable")
DRIFT = ("cluster1", PLANE, "HostDrift")
OBJECT = ("cluster2", f"DaemonSet kube-system/{PROBE}", "ObjectMissing")
API = ("cluster2", "", "APIUnreachable")
# What the machine itself says of its kubelet, if it looked meanwhile.
STOPPED = {("cluster1", WORKER, "HostDrift")}
FIXES = {
    KUBELET: f"fleet logs {WORKER} kubelet",
    DRIFT: "fleet refresh && fleet up",
    OBJECT: "fleet refresh && fleet up",
    API: "fleet status --cluster cluster2",
}
Key = tuple[str, str, str]


class Watch:
    """The command for a stack, begun again at will; its events are in one file."""

    def __init__(self, fleet: PulumiStack) -> None:
        self._fleet = fleet
        self._events, self._log = fleet.folder / "watched.jsonl", fleet.folder / "watch.log"
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        fleet = str(CHECKOUT / ".venv" / "bin" / "fleet")
        words = (*("--stack", self._fleet.name), *("--user", "watch"))
        with self._log.open("ab") as log:
            times = self.log.count("watching 2 clusters") + 1
            self._process = subprocess.Popen(
                [fleet, "watch", *words, "--events", str(self._events)],
                env=self._fleet.environment,
                stdout=log,
                stderr=log,
            )
        await_true(lambda: self.log.count("watching 2 clusters") == times, "the watch to begin")

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self._process
        self._process.send_signal(number)
        return self._process.wait(30)

    def kill(self) -> None:
        if self._process and self._process.poll() is None:
            self.end(signal.SIGKILL)

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def events(self) -> list[Event]:
        lines = self._events.read_text().splitlines() if self._events.exists() else []
        return [Event.model_validate(json.loads(line)) for line in lines]

    def told(self, change: Change) -> list[Key]:
        return [key(event) for event in self.events if event.event is change]

    def until_began(self, wanted: Key, since: datetime, seconds: float) -> None:
        """Wait until a beginning was told, so many seconds after the fault at most."""
        what = f"{wanted} to begin"
        await_true(lambda: wanted in self.told(Change.BEGAN), what, SLOWEST_SECONDS)
        event = next(each for each in self.events if key(each) == wanted)
        took = (event.time - since).total_seconds()
        print(f"{' '.join(wanted)}: told after {took:.1f} s: {event.message}")
        assert 0 <= took <= seconds
        assert event.fix == FIXES[wanted]
        assert (CHECKOUT / event.runbook).is_file()
        assert event.began <= event.time and event.message


def key(event: Event) -> Key:
    return event.cluster, event.name, event.reason


@pytest.fixture(scope="module")
def watch(fleet: PulumiStack) -> Iterator[Watch]:
    """The watch, by a person whom the stack has for as long as it takes."""
    fleet.config["people"] = PEOPLE
    fleet.up()
    made = Watch(fleet)
    made.begin()
    yield made
    made.kill()
    print(made.log)
    fleet.config.pop("people", None)
    fleet.up()


@contextmanager
def broken(machines: Machines) -> Iterator[None]:
    """Leave no kubelet and no API server stopped."""
    try:
        yield
    finally:
        machines.run(WORKER, "systemctl start kubelet")
        machines.run(OTHER_PLANE, "pkill -CONT -x kube-apiserver || true")


def test_what_breaks_is_told_once_in_time_and_so_is_its_end(
    fleet: PulumiStack, kubectl: Kubectl, watch: Watch
) -> None:
    machines = Machines(fleet)
    with broken(machines):
        began = datetime.now(UTC)
        machines.run(PLANE, f"cp --archive {FILE} /root/kept; echo '# edited' >>{FILE}")
        machines.run(WORKER, "systemctl stop kubelet")
        other = kubectl.within("cluster2-admin")
        other("delete", "daemonset", PROBE, "--namespace", "kube-system", "--wait=false")
        watch.until_began(KUBELET, began, WITHIN_SECONDS)
        machines.run(WORKER, "systemctl start kubelet")
        watch.until_began(OBJECT, began, WITHIN_SECONDS)
        paused = datetime.now(UTC)
        machines.run(OTHER_PLANE, "pkill -STOP -x kube-apiserver")
        watch.until_began(API, paused, WITHIN_SECONDS)
        watch.until_began(DRIFT, began, SLOWEST_SECONDS)
        machines.run(PLANE, f"mv /root/kept {FILE}")
        assert watch.end() == 0
        watch.begin()
    fleet.refresh()
    fleet.up()
    await_true(lambda: FIXES.keys() <= set(watch.told(Change.ENDED)), "everything to end", 120)
    assert watch.end() == 0
    told = watch.told(Change.BEGAN)
    assert sorted(each for each in told if each in FIXES) == sorted(FIXES)
    # cluster2's other components lose their API server, and may say so.
    assert {each for each in told if each[0] == "cluster1"} - STOPPED == {KUBELET, DRIFT}
    for event in watch.events:
        if event.event is Change.ENDED:
            assert event.ended and event.began <= event.ended <= event.time
            assert event.note == ""
