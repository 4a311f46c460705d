"""Node failure: a machine and its disk are lost without notice."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from scripts.bench.run import BenchError

STOP_SECONDS = 20


def lose(machine: Path) -> None:
    """Kill the container machine in this folder, and delete its disk."""
    runner = _runner(machine)
    for child in Path(f"/proc/{runner}/task/{runner}/children").read_text().split():
        os.kill(int(child), signal.SIGKILL)  # its PID 1, and with it all its processes
    deadline = time.monotonic() + STOP_SECONDS
    while Path(f"/proc/{runner}").exists():
        if time.monotonic() > deadline:
            raise BenchError(f"{machine.name} did not stop within {STOP_SECONDS} s")
        time.sleep(0.02)
    subprocess.run(["umount", "--lazy", machine / "root"], check=True)
    shutil.rmtree(machine)


def _runner(machine: Path) -> int:
    """Return the process that runs the machine: systemd-nspawn with its disk."""
    argument = f"--directory={machine / 'root'}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if argument in (folder / "cmdline").read_bytes().split(b"\0"):
                return int(folder.name)
    raise BenchError(f"{machine.name} is not running")
