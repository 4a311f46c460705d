"""A whole fleet watched: a watcher for each cluster, one state, and everybody who gets events.

Only the thread that calls `turn` judges what has to be told, keeps the state and writes it; sinks
that may hang have threads of their own.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from model.watch.event import Event
from model.watch.finding import Finding, Snapshot
from model.watch.state import Clock, State
from ops.errors import text_of
from ops.kube.access import Access
from ops.watch import skews
from ops.watch.leaders import WRITES_FAIL
from ops.watch.look import Look
from ops.watch.sinks import Sink
from ops.watch.skews import NO_CLUSTER
from ops.watch.store import Store
from ops.watch.view import Limits
from ops.watch.watcher import Seen, Watcher

# How long a turn waits for something to happen, and how often what has not been delivered is tried.
TURN_SECONDS = 1.0
RETRY_SECONDS = 5.0
# A turn that took so long did not have the processor.
STOPPED_SECONDS = 5.0
# From one cluster's beginning to the next one's: otherwise answers would wait for each other.
STAGGER_SECONDS = 0.12


@dataclass(frozen=True)
class Target:
    """A cluster to watch: `stamp` is another one when its access has to be made again."""

    name: str
    stamp: str
    access: Callable[[], Access]


class FleetWatch:
    """Watches the clusters that it is given; `say` gets a line about the watch itself."""

    def __init__(
        self, store: Store, sinks: Iterable[Sink], limits: Limits, say: Callable[[str], None]
    ) -> None:
        self._store, self._limits, self._say = store, limits, say
        self._sinks = {sink.name: sink for sink in sinks}
        self._watchers: dict[str, tuple[str, Watcher]] = {}
        self._changed: set[str] = set()
        self._turned = time.monotonic()
        # Whether what was last judged of a cluster was all of it.
        self._known: dict[str, bool] = {}
        # What this host's clock adds to that.
        self._skews: dict[str, Snapshot] = {}
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._retry_at: dict[str, float] = {}
        self._is_unsaved = False
        self.state: State = store.read(clock())
        self._problems: dict[str, tuple[Finding, ...]] = {}
        if store.damage:
            say(store.damage)
        self.state.outbox.keep_for(self._sinks)
        self._note_problems()

    def watch(self, targets: Mapping[str, Target]) -> None:
        """Watch these clusters, and no others."""
        for name in set(self._watchers) - set(targets):
            self._watchers.pop(name)[1].stop()
            self._known.pop(name, None)
        begun = 0
        for name, target in targets.items():
            stamp, watcher = self._watchers.get(name, ("", None))
            if watcher is not None and stamp == target.stamp:
                continue
            if watcher is not None:
                watcher.stop()
            new = Watcher(name, target.access, self._limits, partial(self._note, name))
            self._watchers[name] = (target.stamp, new)
            new.start(begun * STAGGER_SECONDS)
            begun += 1
        self._told(self.state.forget_all_but([*targets, NO_CLUSTER], clock()))

    def turn(self, seconds: float = TURN_SECONDS) -> None:
        """Wait until something changes, at most so long, and tell what has to be told."""
        self._wake.wait(seconds)
        self._wake.clear()
        with self._lock:
            changed, self._changed = self._changed, set()
        now = clock()
        if now.seconds - self._turned > STOPPED_SECONDS:
            # The machine slept, or this process was stopped: nobody could be heard.
            for _, watcher in self._watchers.values():
                watcher.excuse(now.seconds)
        self._turned = now.seconds
        events: list[Event] = []
        every = {name: each.look(now.seconds) for name, (_, each) in self._watchers.items()}
        former, self._skews = (
            self._skews,
            skews.of_host(
                {name: seen.verdict for name, seen in every.items() if seen.snapshot.is_known}
            ),
        )
        for name, seen in every.items():
            is_known, more = seen.snapshot.is_known, self._skews.get(name, Snapshot())
            is_other = name in changed or is_known is not self._known.get(name, False)
            is_other = is_other or more != former.get(name)
            if is_other or not is_known or not self.state.is_settled(name):
                events += self.state.update(name, seen.snapshot.with_more(more), now)
            self._known[name] = is_known
        events += self.state.update(NO_CLUSTER, self._skews[NO_CLUSTER], now)
        self._told(events)

    def seen(self) -> dict[str, Seen]:
        """Return what is known of each cluster now."""
        now = time.monotonic()
        return {name: watcher.look(now) for name, (_, watcher) in self._watchers.items()}

    def looks(self) -> list[Look]:
        """Return what is known of each cluster now; call it from any thread."""
        now, problems = clock(), self._problems
        # This host's are with those of any cluster.
        own = problems.get(NO_CLUSTER, ())
        found = list[Look]()
        for name, (_, watcher) in list(self._watchers.items()):
            seen, heard = watcher.look(now.seconds), watcher.heard
            look = Look(
                cluster=name,
                view=seen.view,
                is_up=seen.snapshot.is_known,
                heard=None if heard is None else now.time - timedelta(seconds=now.seconds - heard),
                is_writable=all(each.reason != WRITES_FAIL for each in seen.snapshot.findings),
                problems=(*problems.get(name, ()), *(() if found else own)),
                lapses=watcher.lapses,
            )
            found.append(look)
        return found

    def stop(self) -> None:
        """End all watchers, and keep the state."""
        for _, watcher in self._watchers.values():
            watcher.stop()
        self._deliver_last()
        for sink in self._sinks.values():
            sink.close()
        self._deliver_last()
        self._is_unsaved = True
        self._save()
        self._store.close()

    def _note(self, name: str) -> None:
        with self._lock:
            self._changed.add(name)
        self._wake.set()

    def _told(self, events: list[Event]) -> None:
        """Keep events before anybody gets them: who is killed in between sends them again."""
        if events:
            for sink, lost in self.state.outbox.shorten().items():
                self._say(f"{sink} took no events for too long: the oldest {lost} are lost to it")
            self._is_unsaved = True
            self._note_problems()
        self._save()
        self._deliver()

    def _note_problems(self) -> None:
        """Keep for other threads what was reported: the state is changed by this one."""
        self._problems = {
            name: tuple(each.finding for each in self.state.told(name))
            for name in self.state.problems
        }

    def _deliver_last(self) -> None:
        """Deliver although nobody may read standard output: that is kept for the next start."""
        with suppress(BrokenPipeError):
            self._deliver()

    def _deliver(self) -> None:
        """Offer everybody what they have not taken; raise BrokenPipeError at the end of that."""
        now = time.monotonic()
        broken: BrokenPipeError | None = None
        for name, sink in self._sinks.items():
            waiting = self.state.outbox.waiting(name)
            if not waiting or now < self._retry_at.get(name, 0.0):
                continue
            try:
                taken = sink.deliver(waiting)
            except BrokenPipeError as error:
                broken = error
                continue
            except OSError as error:
                self._say(f"{name} cannot be written: {text_of(error)}")
                self._retry_at[name] = now + RETRY_SECONDS
                continue
            if taken >= waiting[0].id:
                self.state.outbox.take(name, taken)
                self._is_unsaved = True
        if broken is not None:
            raise broken

    def _save(self) -> None:
        if not self._is_unsaved:
            return
        try:
            self._store.write(self.state)
            self._is_unsaved = False
        except OSError as error:
            if time.monotonic() >= self._retry_at.get("", 0.0):
                self._say(f"the state file cannot be written: {text_of(error)}")
                self._retry_at[""] = time.monotonic() + RETRY_SECONDS


def clock() -> Clock:
    """Return the time now."""
    return Clock(datetime.now(UTC), time.monotonic())
