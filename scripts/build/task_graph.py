"""A task graph: dependent commands, run in parallel, with their output and duration."""

import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

# Limit for one line of output; asyncio's own is 64 KiB.
_LINE_LIMIT = 2**20


@dataclass(frozen=True)
class Stage:
    """One command, its display name, and the names of the stages that it depends on.

    It also waits until those that it is `behind` have ended, well or not.
    """

    name: str
    command: tuple[str, ...]
    after: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()


class Result(Enum):
    """How a stage ended."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


def run_stages(stages: Sequence[Stage]) -> dict[str, Result]:
    """Run the stages, each as soon as its dependencies are done.

    A failure skips only the stages that depend on it. When this run is interrupted or terminated,
    its commands are terminated and waited for.
    """
    names = [stage.name for stage in stages]
    for stage in stages:
        if unknown := {*stage.after, *stage.behind} - set(names[: names.index(stage.name)]):
            raise ValueError(
                f"stage {stage.name} depends on {sorted(unknown)}, which is not listed before it"
            )
    try:
        return asyncio.run(_run_all(stages))
    except (KeyboardInterrupt, asyncio.CancelledError):
        _say("==> stopped")
        sys.exit(130)


async def _run_all(stages: Sequence[Stage]) -> dict[str, Result]:
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    running: dict[str, asyncio.Task[Result]] = {}
    async with asyncio.TaskGroup() as group:
        for stage in stages:
            before = {name: running[name] for name in (*stage.after, *stage.behind)}
            running[stage.name] = group.create_task(_run_after(stage, before))
    return {name: task.result() for name, task in running.items()}


async def _run_after(stage: Stage, before: dict[str, "asyncio.Task[Result]"]) -> Result:
    for name, task in before.items():
        if await task is not Result.DONE and name in stage.after:
            _say(f"==> {stage.name} … skipped: depends on {name}")
            return Result.SKIPPED
    return await _run_one(stage)


async def _run_one(stage: Stage) -> Result:
    start = time.monotonic()
    _say(f"==> {stage.name}")
    process = await asyncio.create_subprocess_exec(
        *stage.command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=_LINE_LIMIT,
    )
    try:
        if process.stdout is not None:
            async for line in process.stdout:
                if text := _without_heading(line.decode(errors="replace").rstrip(), stage.name):
                    _say(f"    {stage.name}: {text}")
        status = await process.wait()
    except asyncio.CancelledError:
        if process.returncode is None:
            process.terminate()
            await process.wait()
        raise
    took = f"{time.monotonic() - start:.1f} s"
    if status == 0:
        _say(f"==> {stage.name} … {took}")
        return Result.DONE
    _say(f"==> {stage.name} … failed after {took} (exit status {status})")
    return Result.FAILED


def _without_heading(line: str, name: str) -> str:
    """Return a line of a program whose own headings would repeat ours; "" for its duration."""
    text = line.removeprefix("==> ")
    return "" if text.startswith(f"{name} … ") else text.removeprefix(f"{name}: ")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
