"""A running `fleet watch`, and what it has said so far."""

import json
import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from tests.e2e.pulumi_stack import CHECKOUT, PulumiStack
from tests.ports import free_port

FLEET = str(CHECKOUT / ".venv/bin/fleet")
END_SECONDS = 20
NODES = re.compile(r'^kubeadm_fleet_nodes\{[^}]*cluster="([^"]+)"[^}]*\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True)
class Event:
    """A line of the watch, and when it was read (`time.monotonic()`)."""

    at: float
    line: dict[str, Any]

    @property
    def cluster(self) -> str:
        """The cluster that it is about."""
        return str(self.line["cluster"])

    @property
    def condition(self) -> tuple[str, ...]:
        """What the condition is about: the same for its beginning and its end."""
        return tuple(str(self.line.get(key)) for key in ("cluster", "kind", "name", "reason"))

    @property
    def began(self) -> bool:
        """Whether the condition began."""
        return bool(self.line["event"] == "began")

    @property
    def text(self) -> str:
        """What an operator reads of it."""
        keys = ("severity", "kind", "name", "reason", "message")
        return " ".join(str(self.line.get(key, "")) for key in keys)


@dataclass
class Watch:
    """The watch, whose lines a thread reads."""

    process: "subprocess.Popen[str]"
    port: int
    events: list[Event] = field(default_factory=list)

    def read(self) -> None:
        """Read lines until the watch ends."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.events.append(Event(time.monotonic(), json.loads(line)))

    def open(self, cluster: str | None = None) -> list[Event]:
        """Return the beginnings of the conditions that hold, of a cluster or of all."""
        held: dict[tuple[str, ...], Event] = {}
        for event in list(self.events):
            if event.began:
                held[event.condition] = event
            else:
                held.pop(event.condition, None)
        return [each for each in held.values() if cluster in (None, each.cluster)]

    def nodes(self) -> dict[str, int]:
        """Return how many Nodes of each cluster its metrics have; none before it serves them."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=END_SECONDS) as answer:
                text = answer.read().decode()
        except URLError as error:
            if isinstance(error.reason, ConnectionRefusedError):
                return {}
            raise
        found: Counter[str] = Counter()
        for cluster, number in NODES.findall(text):
            found[cluster] += int(float(number))
        return dict(found)


@contextmanager
def watching(stack: PulumiStack) -> Iterator[Watch]:
    """Watch the stack's clusters as its person `watch`."""
    port = free_port()
    with (stack.folder / "watch.log").open("w") as log:
        process = subprocess.Popen(
            [
                *(FLEET, "watch", stack.name, "--user", "watch", "--output", "json"),
                *("--metrics", f"127.0.0.1:{port}"),
            ],
            env=stack.environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        watch = Watch(process, port)
        reader = threading.Thread(target=watch.read)
        reader.start()
        try:
            yield watch
            assert process.poll() is None, (stack.folder / "watch.log").read_text()
        finally:
            process.terminate()
            process.wait(END_SECONDS)
            reader.join(END_SECONDS)
