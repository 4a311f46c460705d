"""The baseline of the benchmarks: scripts of bare commands."""

import os
import re
import signal
import subprocess
from ipaddress import IPv4Network
from pathlib import Path

from model import paths, pins
from ops.nspawn.image import cached
from scripts.bench.run import BenchError
from scripts.bench.stack import PROJECT, scratch_folder

FOLDER = Path(__file__).parent / "bare"
DEADLINE_SECONDS = 1800
_LAP = re.compile(r"^(.+?) +([\d.]+) s$", re.MULTILINE)


def run(script: str, version: str, *arguments: str) -> dict[str, float]:
    """Run a script of the folder `bare`; return the duration of each lap in seconds, by name.

    `version` is the Kubernetes version ("1.36.3") of the machines' image and bundle.
    """
    # That of the program's clusters, whose default settings need every supplement.
    image = cached(f"v{version}", sorted(pins.SUPPLEMENTS))
    with scratch_folder() as folder:
        command = [
            folder / "bare",
            image / "root",
            paths.bundle_dir(version),
            f"v{version}",
            PROJECT / "manifests",
            *arguments,
        ]
        process = subprocess.Popen(
            ["bash", str(FOLDER / script), *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=DEADLINE_SECONDS)
        except BaseException:
            # On SIGTERM it removes its machines.
            os.kill(process.pid, signal.SIGTERM)
            process.wait()
            raise
    if process.returncode != 0:
        raise BenchError(f"{script} failed (exit status {process.returncode}):\n{output}")
    return {name: float(seconds) for name, seconds in _LAP.findall(output)}


def prefix(network: IPv4Network) -> str:
    """Return the first three octets of a /24, the scripts' argument."""
    return str(network.network_address).rpartition(".")[0]
