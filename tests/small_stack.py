"""A small stack, run by the real engine with providers of this project."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model import paths

TOP = Path(__file__).parents[1]
RUN_SECONDS = 300


class Stack:
    """A stack with a backend, a home and a program of its own, in one folder."""

    def __init__(self, folder: Path, program: str) -> None:
        self.folder = folder
        self._events = folder / "events"
        (folder / "backend").mkdir()
        (folder / "__main__.py").write_text(program)
        (folder / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
        path = [Path(sys.executable).parent, paths.toolchain_dir()]
        self._environment = {
            **os.environ,
            "PATH": os.pathsep.join([*map(str, path), os.environ["PATH"]]),
            # The program names its providers by their modules.
            "PYTHONPATH": str(TOP),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "only for a test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # Lets it take --event-log.
            "PULUMI_DEBUG_COMMANDS": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        found = shutil.which("pulumi", path=self._environment["PATH"])
        assert found, "no pulumi on this host: run `make toolchain`"
        self._pulumi = found
        self._run("stack", "init", "test")

    def configure(self, **values: str) -> None:
        """Set config values, none of them secret."""
        pairs = [word for name in values for word in ("--plaintext", f"{name}={values[name]}")]
        self._run("config", "set-all", *pairs)

    def up(self) -> "Finished":
        """Update the stack."""
        return self.finish(self.start("up", "--yes", "--skip-preview"))

    def preview(self) -> "Finished":
        """Preview the stack."""
        return self.finish(self.start("preview"))

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Begin a run."""
        self._events.unlink(missing_ok=True)
        options = ("--non-interactive", "--color=never", f"--event-log={self._events}")
        return subprocess.Popen(
            [self._pulumi, *arguments, *options],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self, process: "subprocess.Popen[str]") -> "Finished":
        """Wait for the end of a run."""
        output, _ = process.communicate(timeout=RUN_SECONDS)
        # A run that is refused at once has no events.
        text = self._events.read_text() if self._events.exists() else ""
        events = [json.loads(line) for line in text.splitlines()]
        return Finished(process.returncode, output, events)

    def outputs(self, *options: str) -> Mapping[str, Any]:
        """Give what the stack exports."""
        found: Mapping[str, Any] = json.loads(self._run("stack", "output", "--json", *options))
        return found

    def state(self, *options: str) -> str:
        """Give the stack's state as it is stored."""
        return self._run("stack", "export", *options)

    def replace_state(self, exported: str) -> None:
        """Store another state of the stack."""
        file = self.folder / "exported"
        file.write_text(exported)
        self._run("stack", "import", "--file", str(file))

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [self._pulumi, *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
        )
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr}"
        return done.stdout


@dataclass(frozen=True)
class Finished:
    """A run that has ended: its status, what it said, and its events."""

    status: int
    output: str
    events: list[dict[str, Any]]

    def steps(self) -> dict[str, str]:
        """Say what was done to each resource of a provider that did not stay the same."""
        found = {}
        for event in self.events:
            step = event.get("resourcePreEvent", {}).get("metadata", {})
            if step.get("type", "").startswith("pulumi-python:") and step["op"] != "same":
                found[step["urn"].rpartition("::")[2]] = step["op"]
        return found
