"""Interruptions of a run: its engine, its providers, the network or a machine fails."""

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from ops.nspawn.spec import MachineSpec
from scripts.build.pulumi import LAUNCHER
from tests.e2e.failures import cut_power, restore_power
from tests.e2e.pulumi_stack import PulumiStack
from tests.waiting import await_true

SSH_PORT = 22
LOG = "interrupted.log"
SILENCE_SECONDS = 5
END_SECONDS = 420

Interruption = Callable[[PulumiStack, "subprocess.Popen[str]"], None]


def everything(stack: PulumiStack, engine: "subprocess.Popen[str]") -> None:
    """The engine and its providers die at once."""
    stack.kill(engine)


def engine_alone(_stack: PulumiStack, engine: "subprocess.Popen[str]") -> None:
    """The engine dies; its providers notice by themselves."""
    engine.kill()


def providers(stack: PulumiStack, _engine: "subprocess.Popen[str]") -> None:
    """The providers die; the engine is left with what they were doing."""
    ours = f"PULUMI_HOME={stack.environment['PULUMI_HOME']}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
            environment = (folder / "environ").read_bytes().split(b"\0")
            if ours in environment and LAUNCHER in command:
                os.kill(int(folder.name), signal.SIGKILL)


def network(stack: PulumiStack, _engine: "subprocess.Popen[str]") -> None:
    """Every machine is silent for a while, as behind a switch that restarts."""
    cables = [spec.link for spec in _specs(stack)]
    for state in ("down", "up"):
        for cable in cables:
            # It may be gone, or not be there yet.
            subprocess.run(["ip", "link", "set", cable, state], capture_output=True, check=False)
        if state == "down":
            time.sleep(SILENCE_SECONDS)


def power(stack: PulumiStack, engine: "subprocess.Popen[str]") -> None:
    """The machine that is being changed loses its power, and boots again when that returns.

    One that is being destroyed has no disk to boot from by then, unless the run fails.
    """
    assert isinstance(engine.args, list)
    log = (stack.folder / LOG).read_text(errors="replace")
    running = [spec for spec in _specs(stack) if _is_booted(spec)]
    if not running:
        return
    changing = max(running, key=lambda spec: log.rfind(spec.hostname))
    with suppress(subprocess.CalledProcessError):  # It may have been removed just now.
        cut_power(stack.machines, changing)
    if "destroy" in engine.args:
        engine.wait(timeout=END_SECONDS)
    else:
        time.sleep(SILENCE_SECONDS)
    if any(spec.hostname == changing.hostname for spec in _specs(stack)):
        restore_power(stack.machines, changing)


def kill_after(stack: PulumiStack, arguments: Sequence[str], said: str, seconds: float) -> None:
    """Begin a run and kill it so long after it said something, "" for its start."""
    log = stack.folder / "killed.log"
    engine = stack.start(*arguments, log=log)
    try:
        await_true(lambda: said in log.read_text(), said, END_SECONDS)
        with suppress(subprocess.TimeoutExpired):
            engine.wait(timeout=seconds)
            raise AssertionError(f"the run ended before it was killed: {log.read_text()}")
    finally:
        stack.kill(engine)
        stack.run("cancel", "--yes")
    print(f"\nkilled {seconds:.1f} s after {said or 'its start'}")


def _specs(stack: PulumiStack) -> list[MachineSpec]:
    """Return the machines that there are, complete or not."""
    folders = sorted(file.parent for file in stack.machines.glob("*/*/spec.json"))
    return [spec for folder in folders if (spec := MachineSpec.read(folder)) is not None]


def _is_booted(spec: MachineSpec) -> bool:
    """Whether it accepts logins: before that, the provider may still be starting it."""
    try:
        with socket.create_connection((spec.bare_address, SSH_PORT), timeout=1) as connection:
            return connection.recv(3) == b"SSH"
    except OSError:
        return False


KINDS: tuple[Interruption, ...] = (everything, engine_alone, providers, network, power)


def interrupt(
    stack: PulumiStack, verb: str, usual_seconds: float, chance: random.Random
) -> str | None:
    """Run the engine and interrupt it at a random moment; return what happened, and when.

    Whatever is left of the run when its engine did not die is waited for. None when the run had
    ended well before: then nothing was interrupted.
    """
    log = stack.folder / LOG
    kind, moment = chance.choice(KINDS), chance.uniform(0, usual_seconds)
    engine = stack.start(verb, "--yes", "--skip-preview", "--parallel", "32", log=log)
    try:
        with suppress(subprocess.TimeoutExpired):
            engine.wait(timeout=moment)
            assert engine.returncode == 0, log.read_text()
            return None
        kind(stack, engine)
        engine.wait(timeout=END_SECONDS)
    finally:
        stack.kill(engine)
        stack.run("cancel", "--yes")
    return f"{kind.__name__.replace('_', ' ')} after {moment:.1f} s"
