"""One cluster, watched by a thread of its own until it is stopped."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from model.status import clocks
from model.status.clocks import Verdict
from model.status.fleet import NodeStatus
from model.watch import finding
from model.watch.finding import API, Snapshot
from ops.fan_out import Late
from ops.kube import node_status, unreachable
from ops.kube.access import Access
from ops.kube.api_services import REGISTRATIONS, Registration, registration
from ops.kube.apply import FIELD_MANAGER
from ops.kube.cluster_status import APPS, read_add_on
from ops.watch import denials, findings, pods, sources
from ops.watch.collection import Collection
from ops.watch.leaders import Leaders
from ops.watch.objects import Objects
from ops.watch.reports import Reports
from ops.watch.scrapes import Candidate, Scrapes
from ops.watch.session import Session
from ops.watch.siblings import Siblings
from ops.watch.slow import SlowReads
from ops.watch.view import Limits, View

# An API that has not answered for so long is unreachable. Three heartbeats fit into it.
UNREACHABLE_SECONDS = 15.0
# If it is not even known to have missed an answer: finding its host's address takes so long.
HUNG_SECONDS = 25.0
# After something has changed, what follows is judged after this: changes come in bursts.
SETTLE_SECONDS = 0.5
# What depends on the time alone is judged again.
JUDGE_SECONDS = 30.0
# What is read over and over although it fails in a way that nobody foresaw.
RESTART_SECONDS = 5.0
# metrics-server needs two measurements of a Node, and to know that it is there.
MEASURED_AGE = timedelta(minutes=3)
NODES_PATH, PODS_PATH = "/api/v1/nodes", "/api/v1/namespaces/kube-system/pods"


# Before anything was heard.
NOTHING = Snapshot(unknown=frozenset({API}), is_known=False)


@dataclass(frozen=True)
class Seen:
    """What a watcher last saw: its view, and what follows from it.

    `verdict` is about clocks, None while they were not compared with this host's.
    """

    view: View
    snapshot: Snapshot
    verdict: Verdict | None = None


class Watcher:
    """Watches a cluster. `access` returns how it is reached, again for each connection.

    All but `start`, `stop`, `look` and `heard` happens in its thread. `lapses` is how often a
    machine's report could no longer be read.
    """

    def __init__(
        self,
        cluster: str,
        access: Callable[[], Access],
        limits: Limits,
        changed: Callable[[], None],
    ) -> None:
        self.cluster = cluster
        self._access, self._limits, self._tell = access, limits, changed
        self._delay = 0.0
        self.lapses = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"watch {cluster}", daemon=True)
        self._seen = Seen(View(cluster), NOTHING)
        self._excused = 0.0
        self._begin = time.monotonic()
        self._leaders: Leaders | None = None
        self._is_dirty = False
        self._siblings = Siblings()
        # What ended the thread's work, and when it did so first.
        self._failure: tuple[Exception, float] | None = None

    def start(self, delay: float = 0.0) -> None:
        """Begin to watch, so many seconds from now: the first lists of many clusters take time."""
        self._delay = delay
        self._begin = time.monotonic() + delay
        self._thread.start()

    def stop(self) -> None:
        """Have the thread end by and by; it changes nothing any more."""
        self._stopped.set()

    def excuse(self, now: float) -> None:
        """Take what was not heard until now for a stop of this process, not of the API."""
        self._excused = now

    @property
    def heard(self) -> float | None:
        """Return when the API last answered, in seconds of a monotonic clock; None: never."""
        leaders = self._leaders
        return leaders.heard if leaders else None

    def look(self, now: float) -> Seen:
        """Return what is known now; call it from any thread."""
        seen, leaders = self._seen, self._leaders
        heard = leaders.heard if leaders else None
        silent = now - max(self._begin if heard is None else heard, self._excused)
        error = leaders.error if leaders else None
        # Without an error no answer was missed yet: its thread may not have had its turn.
        if silent > (HUNG_SECONDS if error is None else UNREACHABLE_SECONDS):
            return self._unreachable(error or Late(HUNG_SECONDS), silent)
        failure = self._failure
        if failure is not None and now - failure[1] > UNREACHABLE_SECONDS:
            return self._unreachable(failure[0], now - failure[1])
        if heard is None:
            return Seen(seen.view, NOTHING)
        if failure is not None:
            return Seen(seen.view, Snapshot(is_known=False))
        return seen

    def _unreachable(self, error: Exception, seconds: float) -> Seen:
        since = datetime.now(UTC) - timedelta(seconds=seconds)
        condition = unreachable.condition(self.cluster, error).model_copy(update={"since": since})
        return Seen(self._seen.view, Snapshot((finding.of(condition, API),), is_known=False))

    def _run(self) -> None:
        self._stopped.wait(self._delay)
        while not self._stopped.is_set():
            session = Session(self._access)
            try:
                self._watch(session)
            except Exception as error:  # A cluster whose answers nobody foresaw hides no other.
                began = self._failure[1] if self._failure else time.monotonic()
                self._failure = (error, began)
            session.renew("watching ends")
            self._stopped.wait(RESTART_SECONDS)

    def _watch(self, session: Session) -> None:
        self._session = session
        self._leaders = leaders = Leaders(session, self.cluster, self._touch, self.heard)
        self._is_dirty = False
        self._reports = Reports(session)
        self._slow = SlowReads(session, self._access, self._touch)
        self._scrapes = Scrapes(session, self._measurable, lambda: self.heard, self._touch)
        nodes = Collection(
            session,
            NODES_PATH,
            lambda node: node_status.read(self.cluster, node, FIELD_MANAGER),
            self._touch,
        )
        system = Collection(session, PODS_PATH, pods.read, self._touch)
        apps = [
            Collection(
                *(session, path, read_add_on, self._touch),
                may_be_refused=path in denials.NETWORK_PATHS,
            )
            for path in APPS
        ]
        registrations = Collection(session, REGISTRATIONS, registration, self._touch)
        self._nodes, self._pods, self._apps = nodes, system, apps
        self._registrations = registrations
        self._objects = Objects(session, self._touch)
        leaders.ask()
        for each in (*self._lists(), registrations):
            each.start()
        self._objects.start()
        self._slow.start()
        self._scrapes.start()
        self._again()
        version, is_off = 0, False
        while not self._stopped.is_set():
            session.turn()
            former = version, is_off
            version = self._reports.version
            is_off = clocks.is_off(session.clock.host_ahead)
            if (version, is_off) != former:
                self._touch()

    def _again(self) -> None:
        self._touch()
        self._session.after(JUDGE_SECONDS, self._again)

    def _touch(self) -> None:
        if not self._is_dirty:
            self._is_dirty = True
            self._session.after(SETTLE_SECONDS, self._judge)

    def _judge(self) -> None:
        self._is_dirty = False
        assert self._leaders is not None
        self._reports.follow(self._pods.items.values())
        view = self._view()
        judged = findings.snapshot(view, self._limits)
        lists, reports, leaders = self._lists(), self._reports, self._leaders
        denied = denials.found(self.cluster, lists, leaders.denial, list(reports.errors()))
        more = [*leaders.findings(), *denied]
        unknown = judged.unknown | leaders.unknown | set(denials.unanswered(lists, reports))
        snapshot = Snapshot((*judged.findings, *more), unknown)
        self.lapses += len(view.unread_machines & self._seen.view.read_machines)
        verdict = None if view.host_ahead is None else clocks.judge(view.clocks)
        self._seen, self._failure = Seen(view, snapshot, verdict), None
        self._tell()

    def _view(self) -> View:
        every: dict[str, list[Collection[Any]]] = {
            sources.NODES: [self._nodes],
            sources.PODS: [self._pods],
            sources.ADD_ONS: self._apps,
        }
        unread = {source for source, lists in every.items() if not all(map(denials.is_read, lists))}
        unread_objects = self._objects.unread
        objects = self._objects.found
        return View(
            cluster=self.cluster,
            nodes=tuple(self._nodes.items.values()),
            pods=tuple(self._pods.items.values()),
            add_ons=tuple(pair[0] for each in self._apps for pair in each.items.values()),
            network=dict(self._reports.probes(self._pods.items.values())),
            hosts=tuple(self._reports.hosts.values()),
            slow=self._slow.found,
            registrations=self._registered(),
            unread=frozenset(unread),
            silent_hosts=frozenset(self._reports.unread_hosts()),
            silent_networks=frozenset(self._reports.unread_networks()),
            cut_off=dict(self._reports.cut_off()),
            unmeasured=self._scrapes.found,
            is_measured=self._scrapes.is_read,
            is_ours=any(pair[1] for each in self._apps for pair in each.items.values()),
            objects=objects,
            missing=() if unread_objects else self._siblings.missing(objects),
            unread_objects=unread_objects,
            now=self._session.clock.now(),
            host_ahead=self._session.clock.host_ahead,
            server_clocks=self._leaders.server_clocks if self._leaders else {},
        )

    def _measurable(self) -> dict[str, Candidate]:
        """Return the Nodes with a probe pod; those that have run for a while are expected."""
        now = self._session.clock.now()
        probes = {
            pod.node: pod.name
            for pod in self._pods.items.values()
            if pod.is_probe and pod.started and pod.address
        }
        nodes = (each.status for each in self._nodes.items.values())
        return {
            node.name: Candidate(probes[node.name], _is_measurable(node, now))
            for node in nodes
            if node.name in probes
        }

    def _registered(self) -> tuple[Registration, ...] | None:
        """Return the aggregated APIs; a credential need not be able to read them."""
        listed = self._registrations
        if not listed.is_synced or listed.error is not None:
            return None
        return tuple(listed.items.values())

    def _lists(self) -> list[Collection[Any]]:
        return [self._nodes, self._pods, *self._apps]


def _is_measurable(node: NodeStatus, now: datetime) -> bool:
    # A cluster can send anything, also a time without a zone.
    if not node.created or not node.created.tzinfo:
        return False
    return node.ready and not node.cordoned and now - node.created >= MEASURED_AGE
