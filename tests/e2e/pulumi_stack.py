"""A Pulumi stack of the real program, driven by the real engine, in a folder of its own.

Everything that would be shared with a person's own stack is not: backend, passphrase, Pulumi home,
machines. Only what is rebuilt from the registries (tool chain, bundle, image) comes from the cache.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from model import paths
from ops.nspawn.spec import MachineSpec

CHECKOUT = Path(__file__).parents[2]
UP_SECONDS = 600


@dataclass
class Finished:
    """What a run of the engine left: its exit status, its output and its events."""

    status: int
    output: str
    events: list[dict[str, Any]] = field(default_factory=list)

    def steps(self, *operations: str) -> list[str]:
        """Names of the resources that the run touched with one of `operations`."""
        return [
            metadata["urn"].rsplit("::", 1)[-1]
            for event in self.events
            if (metadata := event.get("resourcePreEvent", {}).get("metadata"))
            and metadata["op"] in operations
            # The engine hands the whole config to its default providers, which change with it.
            and not metadata["type"].startswith("pulumi:providers:")
        ]

    @property
    def changes(self) -> dict[str, int]:
        """How many resources changed, by operation; `same` left out."""
        for event in self.events:
            if summary := event.get("summaryEvent"):
                counts: dict[str, int] = summary["resourceChanges"]
                return {op: n for op, n in counts.items() if op != "same" and n}
        return {}


class PulumiStack:
    """One stack: `config` may be changed between runs, as a person edits Pulumi.<stack>.yaml."""

    def __init__(self, folder: Path, name: str, config: dict[str, Any]) -> None:
        self.name = name
        self.folder = folder
        self.config = config
        self.secrets: dict[str, Any] = {}
        self.machines = folder / "machines"
        (folder / "backend").mkdir(parents=True, exist_ok=True)
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{paths.toolchain_dir()}:{os.environ['PATH']}",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "only for a test that ends soon",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_CONTINUE_ON_ERROR": "true",
            # Without it the engine does not know --event-log.
            "PULUMI_DEBUG_COMMANDS": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_OPTION_CONFIG_FILE": str(self.config_file),
            "KUBEADM_FLEET_MACHINES": str(self.machines),
        }

    @property
    def config_file(self) -> Path:
        """The private copy of the stack's config."""
        return self.folder / f"Pulumi.{self.name}.yaml"

    def write_config(self) -> None:
        """Write `config`, keeping the salt that the engine put into the file."""
        before = yaml.safe_load(self.config_file.read_text()) if self.config_file.exists() else {}
        own = {f"kubeadm-fleet:{name}": value for name, value in self.secrets.items()}
        config = {**before.get("config", {}), **own, "kubeadm-fleet:fleet": self.config}
        document = {**before, "config": config}
        self.config_file.write_text(yaml.safe_dump(document, sort_keys=False))

    def start(self, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
        """Start the engine without waiting for it."""
        self.write_config()
        with log.open("wb") as stream:
            return subprocess.Popen(
                self._command(*arguments),
                cwd=CHECKOUT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, engine: "subprocess.Popen[bytes]") -> None:
        """Kill a running engine and its plugins, all at once and without a warning."""
        ours = f"PULUMI_HOME={self.environment['PULUMI_HOME']}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if ours in (folder / "environ").read_bytes().split(b"\0"):
                    os.kill(int(folder.name), signal.SIGKILL)
        engine.wait()

    def run(self, *arguments: str, seconds: int = UP_SECONDS) -> Finished:
        """Run the engine to its end."""
        events = self.folder / "events.json"
        events.unlink(missing_ok=True)
        logs = ["--event-log", str(events)] if arguments[0] in VERBS else []
        log = self.folder / "output.log"
        process = self.start(*arguments, *logs, log=log)
        try:
            status = process.wait(timeout=seconds)
        finally:
            if process.poll() is None:
                process.kill()
        return Finished(status, log.read_text(), list(_read(events)))

    def succeed(self, *arguments: str, seconds: int = UP_SECONDS) -> Finished:
        """Run the engine to its end, which must be a good one."""
        finished = self.run(*arguments, seconds=seconds)
        assert finished.status == 0, finished.output
        return finished

    def create(self) -> None:
        """Make the stack's record; the engine writes the salt into a config file beside it."""
        shutil.copy(CHECKOUT / "Pulumi.yaml", self.folder)
        self.write_config()
        subprocess.run(
            ["pulumi", "stack", "init", "--no-select", self.name],
            cwd=self.folder,
            env=self.environment,
            check=True,
            capture_output=True,
        )

    def up(self) -> Finished:
        """`pulumi up`, as a person runs it."""
        return self.succeed("up", "--yes", "--skip-preview", "--parallel", "32")

    def preview(self) -> Finished:
        """`pulumi preview`."""
        return self.succeed("preview", "--diff")

    def refresh(self) -> Finished:
        """`pulumi refresh`."""
        return self.succeed("refresh", "--yes", "--skip-preview")

    def destroy(self) -> Finished:
        """`pulumi destroy`."""
        return self.succeed("destroy", "--yes", "--skip-preview", "--parallel", "32")

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

    def _command(self, *arguments: str) -> list[str]:
        head, *rest = arguments
        always = ["--stack", self.name, "--non-interactive", "--color", "never"]
        return ["pulumi", head, *rest, *always]


VERBS = ("up", "preview", "refresh", "destroy")


def _read(events: Path) -> Iterator[dict[str, Any]]:
    if events.exists():
        for line in events.read_text().splitlines():
            yield json.loads(line)
