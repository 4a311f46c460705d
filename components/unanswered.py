"""Ends a run in which the engine has stopped answering the program.

A replacement begins with the deletion of what depends on the former resource. If a deletion fails,
an engine that continues on errors processes other resources, but never answers the registration
of the resource that was to be replaced: the program would wait for it permanently
(`DeleteStep.Fail` in pkg/resource/deploy/step.go does nothing). Providers record failed deletions
(ops/current_run.py). Once no other registration is unanswered, there is nothing left to do.
"""

import asyncio
import os
from threading import Lock
from typing import Any, NoReturn

import pulumi

from components.announcement import engine_address
from model.plural import counted
from ops import current_run

POLL_SECONDS = 1.0
# How often nothing may have changed: between two registrations the program itself is busy.
CALM_POLLS = 3
# The language host's status for a program that has reported its error.
REPORTED = 32


class Registrations:
    """The registrations of this program: `sent`, and those that are `unanswered`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.sent = 0
        self.unanswered = 0

    def count(self, monitor: Any) -> None:
        """Count the calls of a monitor, which are made in several threads."""
        register = monitor.RegisterResource

        def counted(request: object) -> object:
            self._add(sent=1, unanswered=1)
            try:
                return register(request)
            finally:
                self._add(unanswered=-1)

        monitor.RegisterResource = counted

    def _add(self, *, sent: int = 0, unanswered: int = 0) -> None:
        with self._lock:
            self.sent += sent
            self.unanswered += unanswered


async def awaited(outputs: dict[str, pulumi.Output[Any]]) -> dict[str, pulumi.Output[Any]]:
    """Return the outputs once all are known; end the process if they cannot be any more."""
    watching = _watch()
    try:
        for output in outputs.values():
            await output.future()
        return outputs
    finally:
        if watching is not None:
            watching.cancel()


def _watch() -> "asyncio.Task[NoReturn] | None":
    """Begin to watch this run; a run without an engine needs no watch."""
    engine = engine_address()
    if engine is None or pulumi.runtime.is_dry_run():
        return None
    registrations = Registrations()
    registrations.count(pulumi.runtime.settings.get_monitor())
    return asyncio.create_task(_end_if_stuck(engine, registrations))


async def _end_if_stuck(engine: str, registrations: Registrations) -> NoReturn:
    calm, before = 0, registrations.sent
    while calm < CALM_POLLS:
        await asyncio.sleep(POLL_SECONDS)
        failed = current_run.failed_deletions(engine)
        is_calm = registrations.sent == before and 0 < registrations.unanswered <= failed
        calm, before = calm + 1 if is_calm else 0, registrations.sent
    pulumi.log.error(
        f"not replaced: {counted(registrations.unanswered, 'machine')}; see the errors. The rest "
        "of this run is done; run `fleet up` again once the causes are fixed"
    )
    # An exception would wait for the registrations as well.
    os._exit(REPORTED)
