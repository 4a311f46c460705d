"""A Pulumi stack of the real program, driven by the real engine, in a folder of its own.

Everything that would be shared with a person's own stack is not: backend, passphrase, Pulumi home,
machines. Only what is rebuilt from the registries (tool chain, bundle, image) comes from the cache.
"""

import json
import os
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ops.nspawn.spec import MachineSpec
from ops.pulumi.cli import EVENT_VERBS, UNATTENDED
from ops.pulumi.events import Event, EventLog, Step, StepPhase, Summary, parse_all
from ops.pulumi.isolated import IsolatedStack

ALWAYS = ("--non-interactive", "--color", "never")
CHECKOUT = Path(__file__).parents[2]
UP_SECONDS = 600


@dataclass
class Finished:
    """What a run of the engine left: its exit status, its output and its events."""

    status: int
    output: str
    events: list[Event] = field(default_factory=list)

    def steps(self, *operations: str) -> list[str]:
        """Names of the resources that the run touched with one of `operations`."""
        return [
            event.name
            for event in self.events
            if isinstance(event, Step)
            and event.phase is StepPhase.STARTED
            and event.op in operations
            # The engine passes the complete config to its default providers, which change with it.
            and not event.is_provider
        ]

    @property
    def changes(self) -> dict[str, int]:
        """How many resources changed, by operation; `same` left out."""
        for event in self.events:
            if isinstance(event, Summary):
                return {op: n for op, n in event.changes.items() if op != "same" and n}
        return {}


class PulumiStack(IsolatedStack):
    """One stack: `config` may be changed between runs, as a person edits Pulumi.<stack>.yaml."""

    def __init__(
        self, folder: Path, name: str, config: dict[str, Any], program: Path = CHECKOUT
    ) -> None:
        super().__init__(folder, name, program)
        self._kubeconfigs = program / "kubeconfigs" / name
        self.config = config
        self.secrets: dict[str, Any] = {}

    def apply_config(self) -> None:
        """Write `config` and the secrets into the file that the engine reads."""
        own = {f"kubeadm-fleet:{name}": value for name, value in self.secrets.items()}
        self.write_config({**own, "kubeadm-fleet:fleet": self.config})

    def read_config(self) -> None:
        """Take over what a command has written into that file."""
        document = yaml.safe_load(self.config_file.read_text(encoding="utf-8"))
        self.config = document["config"]["kubeadm-fleet:fleet"]

    def start(
        self, *arguments: str, log: Path, events: Path | None = None
    ) -> "subprocess.Popen[str]":
        """Start the engine without waiting for it."""
        self.apply_config()
        with log.open("wb") as stream:
            return self.cli.start(
                *arguments, *ALWAYS, output=stream, events=events, own_session=True
            )

    def kill(self, engine: "subprocess.Popen[str]") -> None:
        """Kill a running engine and its providers, all at once and without a warning."""
        ours = f"PULUMI_HOME={self.environment['PULUMI_HOME']}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if ours in (folder / "environ").read_bytes().split(b"\0"):
                    os.kill(int(folder.name), signal.SIGKILL)
        engine.wait()

    def run(self, *arguments: str, seconds: int = UP_SECONDS) -> Finished:
        """Run the engine to its end."""
        events = self.folder / "events.json"
        log = self.folder / "output.log"
        process = self.start(
            *arguments, log=log, events=events if arguments[0] in EVENT_VERBS else None
        )
        try:
            status = process.wait(timeout=seconds)
        finally:
            if process.poll() is None:
                process.kill()
        return Finished(status, log.read_text(), parse_all(EventLog(events).read()))

    def succeed(self, *arguments: str, seconds: int = UP_SECONDS) -> Finished:
        """Run the engine to its end, which must be a good one."""
        finished = self.run(*arguments, seconds=seconds)
        assert finished.status == 0, finished.output
        return finished

    def create(self) -> None:
        """Make the stack's record; the engine writes the salt into a config file beside it."""
        # Those of a killed run are for the clusters that it had.
        self._remove_kubeconfigs()
        self.apply_config()
        super().create()

    def up(self) -> Finished:
        """`pulumi up`, as a user runs it."""
        return self.succeed("up", *UNATTENDED, "--parallel", "32")

    def refreshed_up(self) -> Finished:
        """`pulumi up --refresh`: what `refresh` and `up` do, in one run of the engine."""
        return self.succeed("up", "--refresh", *UNATTENDED, "--parallel", "32")

    def preview(self) -> Finished:
        """`pulumi preview`."""
        return self.succeed("preview", "--diff")

    def refresh(self) -> Finished:
        """`pulumi refresh`."""
        return self.succeed("refresh", *UNATTENDED)

    def destroy(self) -> Finished:
        """`pulumi destroy`."""
        self._remove_kubeconfigs()
        return self.succeed("destroy", *UNATTENDED, "--parallel", "32")

    def _remove_kubeconfigs(self) -> None:
        """Remove what the program's commands keep in the checkout, as `fleet down` does."""
        shutil.rmtree(self._kubeconfigs, ignore_errors=True)

    def output(self, name: str) -> Any:
        """One stack output, secret ones included."""
        finished = self.succeed("stack", "output", name, "--json", "--show-secrets")
        return json.loads(finished.output)

    def state(self) -> str:
        """The state as it lies in the backend: secrets encrypted."""
        return "\n".join(
            path.read_text(errors="replace")
            for path in sorted((self.folder / "backend").rglob("*.json"))
        )

    def marks(self) -> set[str]:
        """What the names of everything have in them that the stack has on this host now."""
        found = {str(self.folder)}
        for file in self.machines.glob("*/*/spec.json"):
            spec = MachineSpec.read(file.parent)
            assert spec is not None
            found |= {spec.unit, spec.link, spec.bridge}
        return found
