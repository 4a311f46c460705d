"""Runs one command of this host for each of several clusters, some at the same time.

Each run has the cluster's kubeconfig in KUBECONFIG, its name in FLEET_CLUSTER, and an empty input.
It is a process group of its own, so that all of it ends with its time limit or with Ctrl-C.
"""

import asyncio
import os
import signal
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from model.command_report import CommandResult

CHUNK = 65_536
# How long a process group may take to end by itself before it is killed.
END_SECONDS = 3.0
STDOUT, STDERR = 1, 2

# What is called with the cluster, STDOUT or STDERR, and a whole line without its end.
Printer = Callable[[str, int, bytes], None]


@dataclass(frozen=True)
class EachCluster:
    """A command, how many may run at the same time, and the seconds that each may take, or None."""

    command: Sequence[str]
    parallel: int
    seconds: float | None
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def run(self, files: Mapping[str, Path], printer: Printer) -> list[CommandResult]:
        """Run the command for each cluster, by its kubeconfig; return results in this order.

        `printer` gets lines as they are written; what it raises ends all runs, as Ctrl-C does.
        """
        try:
            return asyncio.run(self._run(files, printer))
        except BaseExceptionGroup as group:
            raise _first(group) from None

    async def _run(self, files: Mapping[str, Path], printer: Printer) -> list[CommandResult]:
        slots = asyncio.Semaphore(self.parallel)

        async def one(cluster: str, file: Path) -> CommandResult:
            async with slots:
                return await self._run_one(cluster, file, printer)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(*pair)) for pair in files.items()]
        return [task.result() for task in tasks]

    async def _run_one(self, cluster: str, file: Path, printer: Printer) -> CommandResult:
        began = time.monotonic()
        outputs: dict[int, list[bytes]] = {STDOUT: [], STDERR: []}
        status, reason = None, ""
        try:
            process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=PIPE,
                env={**self.environment, "KUBECONFIG": str(file), "FLEET_CLUSTER": cluster},
                start_new_session=True,
            )
        except OSError as error:
            reason = f"{self.command[0]}: {error.strerror}"
        else:
            try:
                async with asyncio.timeout(self.seconds), asyncio.TaskGroup() as group:
                    for stream, number in ((process.stdout, STDOUT), (process.stderr, STDERR)):
                        assert stream
                        relay = _relay(stream, cluster, number, printer, outputs[number])
                        group.create_task(relay)
                    group.create_task(process.wait())
                status = _exit_status(process)
            except TimeoutError:
                reason = f"it did not end within {self.seconds:g} s"
            finally:
                if status is None:
                    await _end(process)
        return CommandResult(
            cluster=cluster,
            exit_status=status,
            reason=reason,
            seconds=round(time.monotonic() - began, 3),
            stdout=b"".join(outputs[STDOUT]).decode(errors="replace"),
            stderr=b"".join(outputs[STDERR]).decode(errors="replace"),
        )


def _exit_status(process: Process) -> int:
    code = process.returncode
    assert code is not None
    return code if code >= 0 else 128 - code


async def _relay(
    stream: asyncio.StreamReader, cluster: str, number: int, printer: Printer, kept: list[bytes]
) -> None:
    """Print whole lines; the last one may lack its end, and a line may be of any length."""
    rest = b""
    while chunk := await stream.read(CHUNK):
        kept.append(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            printer(cluster, number, line)
    if rest:
        printer(cluster, number, rest)


async def _end(process: Process) -> None:
    """End the process group, with what the command has started."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(TimeoutError):
            # What it still writes is read, since it may wait for that.
            await asyncio.wait_for(process.communicate(), END_SECONDS)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
