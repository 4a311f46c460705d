"""A command that runs while a test continues."""

import itertools
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from tests.scripts.command_plugin.client import REMOTE, Plugin
from tests.scripts.command_plugin.values import Properties

_numbers = itertools.count(1)


class Waiting:
    """A create in a thread of its own."""

    def __init__(self, plugin: Plugin, connection: Properties, script: str = "echo here") -> None:
        self.name = f"waiting-{next(_numbers)}"
        self._plugin = plugin
        self._inputs = {"create": script, "connection": connection}
        self._threads = ThreadPoolExecutor(1)
        self._created: Future[tuple[str, dict[str, Any]]]

    def __enter__(self) -> "Waiting":
        self._created = self._threads.submit(
            self._plugin.create, REMOTE, self._inputs, name=self.name
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()

    def output(self) -> str:
        """Wait for the command; give what it printed, or raise what it failed with."""
        return str(self._created.result()[1]["stdout"])
