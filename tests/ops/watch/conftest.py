"""Clusters that can be watched, and a watch of them whose events are waited for."""

import json
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from model.watch import problem
from model.watch.event import Event
from ops.kube.access import Access
from ops.wait import NotYet, wait_until
from ops.watch import leaders, watcher
from ops.watch.fleet import FleetWatch, Target
from ops.watch.sinks import Lines, Sink
from ops.watch.store import Store
from ops.watch.view import Limits
from tests.ops.watch.watched_api import Apis

NOTICE_SECONDS = 30.0


class Watching:
    """A watch in this process; `said` is what it says about itself."""

    def __init__(self, apis: Apis, folder: Path, *sinks: Sink) -> None:
        self.apis, self.folder = apis, folder
        self.said: list[str] = []
        self.stream = StringIO()
        self.fleet = FleetWatch(
            Store(folder / "state.json"),
            [Lines(self.stream, as_json=True), *sinks],
            Limits(),
            self.said.append,
        )

    def watch(self, *names: str) -> None:
        self.fleet.watch({name: self.target(name) for name in names})

    def target(self, name: str) -> Target:
        document = self.apis.kubeconfig(name)

        def access() -> Access:
            return Access.of_context(document, f"{name}-watch", self.folder)

        return Target(name, name, access)

    @property
    def events(self) -> list[Event]:
        lines = self.stream.getvalue().splitlines()
        return [Event.model_validate(json.loads(line)) for line in lines]

    def told(self, cluster: str = "") -> list[str]:
        """Return what was told of a cluster, or of all."""
        return [
            " ".join(filter(None, [each.event, each.reason, each.name]))
            for each in self.events
            if each.cluster == cluster or not cluster
        ]

    def until(self, condition: Callable[[], bool], seconds: float = NOTICE_SECONDS) -> float:
        """Let the watch go on until a condition holds; return how long that took."""
        begin = time.monotonic()

        def check() -> None:
            self.fleet.turn(0.1)
            if not condition():
                raise NotYet(f"told: {self.told()}, said: {self.said}")

        wait_until(check, seconds, AssertionError, poll_seconds=0.01)
        return time.monotonic() - begin

    def until_told(self, *lines: str, cluster: str = "") -> float:
        """Wait until exactly this was told, within the time in which everything is noticed."""
        return self.until(lambda: sorted(self.told(cluster)) == sorted(lines))

    def until_known(self, *names: str) -> None:
        """Wait until everything of these clusters is read."""

        def is_known() -> bool:
            seen = self.fleet.seen()
            return all(
                seen[name].snapshot.is_known
                and not seen[name].view.unread
                and seen[name].view.hosts
                and not {*seen[name].view.silent_hosts, *seen[name].view.silent_networks}
                for name in names
            )

        self.until(is_known)

    def quiet(self, seconds: float) -> None:
        """Let the watch go on for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.fleet.turn(0.1)


Begin = Callable[..., Watching]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have outages and ends be told sooner than persons want it: a test waits for each of them."""
    monkeypatch.setattr(problem, "END_SECONDS", 1.0)
    monkeypatch.setattr(watcher, "UNREACHABLE_SECONDS", 6.0)
    monkeypatch.setattr(leaders, "SECONDS", 2.0)
    monkeypatch.setattr(leaders, "ANSWER_SECONDS", 1.5)
    monkeypatch.setattr(leaders, "AGAIN_SECONDS", 1.0)


@pytest.fixture
def apis() -> Iterator[Apis]:
    """A server without clusters."""
    made = Apis()
    yield made
    made.stop()


@pytest.fixture
def watching(apis: Apis, tmp_path: Path) -> Iterator[Any]:
    """A function that begins to watch, another time with the same state file if it was stopped."""
    made: list[Watching] = []

    def begin(*names: str, sinks: tuple[Sink, ...] = ()) -> Watching:
        for each in made:
            each.fleet.stop()
        made[:] = [Watching(apis, tmp_path, *sinks)]
        made[0].watch(*names)
        return made[0]

    yield begin
    for each in made:
        each.fleet.stop()
