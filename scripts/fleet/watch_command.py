"""`fleet watch`: the loop, until it should end."""

import signal
import sys
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from model.plural import counted
from model.watch.event import Event
from ops.errors import OperatorError, text_of
from ops.watch import endpoint, slack
from ops.watch.fleet import FleetWatch, Target
from ops.watch.sinks import JsonFile, Lines, Sink, to_json
from ops.watch.store import Store
from ops.watch.view import Limits
from ops.watch.webhook import Webhook
from scripts.fleet import watch_targets
from scripts.fleet.listening import Address

if TYPE_CHECKING:
    from ops.watch.exporter import Exporter

# How often it is looked whether the kubeconfig is another one.
LOOK_SECONDS = 5.0


@dataclass(frozen=True)
class Watched:
    """What is watched, and who gets events; `is_chosen` says it of a cluster in the kubeconfig."""

    kubeconfig: Path
    clusters: tuple[str, ...]
    state: Path
    as_json: bool
    events: Path | None
    certificates: timedelta
    metrics: Address | None = None
    webhooks: tuple[str, ...] = ()
    slack: tuple[str, ...] = ()
    is_chosen: Callable[[str], bool] = lambda _cluster: True


def run(watched: Watched, renew: Callable[[], None] = lambda: None) -> None:
    """Watch until SIGTERM or SIGINT; `renew` is called with each look at the kubeconfig."""
    following = Following(watched.kubeconfig, watched.clusters, watched.is_chosen)
    targets = following.read()
    exporter = _exporter(watched)
    store = Store(watched.state)
    fleet = FleetWatch(store, _sinks(watched), Limits(watched.certificates), say)
    ended = Ending()
    say(f"watching {counted(len(targets), 'cluster')}, as {watched.kubeconfig} says")
    fleet.watch(targets)
    if exporter is not None:
        exporter.start(fleet.looks)
    looked = time.monotonic()
    try:
        while not ended:
            fleet.turn()
            if time.monotonic() - looked >= LOOK_SECONDS:
                looked = time.monotonic()
                renew()
                if (found := following.changed()) is not None:
                    fleet.watch(found)
    except BrokenPipeError:
        say("nobody reads standard output any more")
    finally:
        ended.ignore_further()
        if exporter is not None:
            exporter.stop()
        fleet.stop()
    say("ended")


def say(line: str) -> None:
    """Say something about the watch itself, which is no event."""
    click.echo(f"fleet watch: {line}", err=True)


class Following:
    """A kubeconfig that may be replaced: what cannot be read changes nothing.

    Of its clusters, those of these names are watched (all of them if none is named) that are
    chosen.
    """

    def __init__(
        self,
        path: Path,
        clusters: Collection[str],
        is_chosen: Callable[[str], bool] = lambda _cluster: True,
    ) -> None:
        self._path, self._clusters, self._is_chosen = path, clusters, is_chosen
        self._stamp: tuple[int, ...] = ()
        self._said = ""

    def read(self) -> dict[str, Target]:
        """Return the clusters; raise OperatorError. What is written from now on is a change."""
        self._stamp = self._read_stamp()
        return self._chosen(watch_targets.read(self._path, self._clusters))

    def changed(self) -> dict[str, Target] | None:
        """Return the clusters if the file is another one than before, else None."""
        stamp = self._read_stamp()
        if stamp == self._stamp:
            return None
        try:
            found = watch_targets.read(self._path, ())
        except OperatorError as error:
            if str(error) != self._said:
                self._said = str(error)
                say(f"{error}: still watching the clusters of before")
            return None
        self._stamp, self._said = stamp, ""
        wanted = {name: each for name, each in found.items() if name in self._clusters}
        return self._chosen(wanted if self._clusters else found)

    def _chosen(self, found: dict[str, Target]) -> dict[str, Target]:
        return {name: each for name, each in found.items() if self._is_chosen(name)}

    def _read_stamp(self) -> tuple[int, ...]:
        try:
            status = self._path.stat()
        except OSError:
            return ()
        return status.st_mtime_ns, status.st_size, status.st_ino


class Ending:
    """True as soon as the process is asked to end."""

    def __init__(self) -> None:
        self._is_asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._ask())

    def __bool__(self) -> bool:
        return self._is_asked

    def _ask(self) -> None:
        self._is_asked = True

    def ignore_further(self) -> None:
        """Let nothing interrupt the end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)


def _exporter(watched: Watched) -> "Exporter | None":
    """Listen for who reads metrics, so that an address that is in use is refused at the start."""
    if watched.metrics is None:
        return None
    from ops.watch.exporter import PATH, Exporter

    made = Exporter(*watched.metrics, say)
    say(f"metrics are at http://{watched.metrics}{PATH}")
    return made


def _sinks(watched: Watched) -> Sequence[Sink]:
    found: list[Sink] = [Lines(sys.stdout, as_json=watched.as_json)]
    if watched.events is not None:
        try:
            found.append(JsonFile(watched.events))
        except OSError as error:
            raise OperatorError(f"the file of events cannot be used: {text_of(error)}") from None
    found += (_webhook("webhook", each, to_json) for each in dict.fromkeys(watched.webhooks))
    found += (_webhook("slack", each, slack.message) for each in dict.fromkeys(watched.slack))
    return found


def _webhook(kind: str, source: str, body: Callable[[Event], str]) -> Webhook:
    """Return a webhook whose address can be read now; it is read again for each attempt."""
    read = partial(endpoint.read, source, is_secret=kind == "slack")
    read()
    return Webhook(f"{kind} {source}", read, body, say)
