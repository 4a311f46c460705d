"""A small stack, run by the real engine with the plugin under test."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model import paths
from tests.scripts.command_plugin.client import TOP, under_test

RUN_SECONDS = 300
SECRET = {"connection", "stdin"}
PROGRAM = """
import json

import pulumi
from pulumi_command import local, remote

config = pulumi.Config()
connection = config.require_secret("connection").apply(json.loads)
first = remote.Command(
    "first",
    create=config.require("first"),
    update=config.get("update"),
    delete=config.get("delete"),
    stdin=config.get_secret("stdin"),
    triggers=[config.require("trigger")],
    add_previous_output_in_env=False,
    connection=connection,
)
second = local.Command("second", create="cat", stdin=first.stdout)
copied = remote.CopyToRemote(
    "copied",
    connection=connection,
    source=pulumi.FileAsset(config.require("source")),
    remote_path=config.require("destination"),
)
pulumi.export("first", first.stdout)
pulumi.export("second", second.stdout)
"""


class Stack:
    """A stack with a backend, a home and a program of its own, in one folder."""

    def __init__(
        self, folder: Path, plugin: Sequence[str] | None = None, program: str = PROGRAM
    ) -> None:
        self.folder = folder
        self._events = folder / "events"
        (folder / "bin").mkdir()
        (folder / "backend").mkdir()
        (folder / "__main__.py").write_text(program)
        (folder / "Pulumi.yaml").write_text("name: conformance\nruntime: python\n")
        launcher = folder / "bin" / "pulumi-resource-command"
        arguments = " ".join(shlex.quote(word) for word in plugin or under_test())
        launcher.write_text(
            f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(TOP))} exec {arguments} "$@"\n'
        )
        launcher.chmod(0o755)
        path = [folder / "bin", Path(sys.executable).parent, paths.toolchain_dir()]
        self._environment = {
            **os.environ,
            "PATH": os.pathsep.join([*map(str, path), os.environ["PATH"]]),
            # For dynamic providers, which the program names by their modules.
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
        """Set config values; the connection and what goes in by standard input are secret."""
        plain = {name: value for name, value in values.items() if name not in SECRET}
        pairs = [word for name in plain for word in ("--plaintext", f"{name}={plain[name]}")]
        self._run("config", "set-all", *pairs)
        for name in SECRET.intersection(values):
            self._run("config", "set", "--secret", name, stdin=values[name])

    def up(self) -> "Finished":
        """Update the stack."""
        return self.finish(self.start("up", "--yes", "--skip-preview"))

    def preview(self) -> "Finished":
        """Preview the stack."""
        return self.finish(self.start("preview"))

    def destroy(self) -> "Finished":
        """Destroy the stack."""
        return self.finish(self.start("destroy", "--yes", "--skip-preview"))

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

    def state(self) -> str:
        """Give the stack's state as it is stored."""
        return self._run("stack", "export")

    def _run(self, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run(
            [self._pulumi, *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self._environment,
            input=stdin,
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

    def steps(self, kind: str = "command:") -> dict[str, str]:
        """Say what was done to each resource of these types that did not stay the same."""
        found = {}
        for event in self.events:
            step = event.get("resourcePreEvent", {}).get("metadata", {})
            if step.get("type", "").startswith(kind) and step["op"] != "same":
                found[step["urn"].rpartition("::")[2]] = step["op"]
        return found
