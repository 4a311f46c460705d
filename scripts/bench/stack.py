"""A throw-away stack: a folder that holds its backend, its config and its machines.

What is shared with a person's own stacks is only what can be rebuilt: tool chain, bundle, image.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from model import paths
from scripts.bench.run import BenchError, Measured, measure

PROJECT = Path(__file__).resolve().parents[2]
NAME = "bench"
DEADLINE_SECONDS = 900
PARALLEL = ("--parallel", "32")


class BenchStack:
    """A stack of the program in `project`, with these config values."""

    def __init__(self, folder: Path, project: Path, config: dict[str, Any]) -> None:
        self._folder = folder
        self._project = project
        self._config_file = folder / f"Pulumi.{NAME}.yaml"
        self._environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{paths.toolchain_dir()}:{os.environ['PATH']}",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "only for a measurement that ends soon",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            # Without it the engine does not know --event-log.
            "PULUMI_DEBUG_COMMANDS": "true",
            "PULUMI_OPTION_CONFIG_FILE": str(self._config_file),
            "KUBEADM_FLEET_MACHINES": str(folder / "machines"),
        }
        (folder / "backend").mkdir(parents=True)
        # In this folder: the engine writes the salt into the stack's config file beside it.
        shutil.copy(project / "Pulumi.yaml", folder)
        self._config_file.write_text(yaml.safe_dump({"config": config}, sort_keys=False))
        self.machines = folder / "machines"
        self._quietly("stack", "init", "--no-select", NAME, folder=folder)

    def up(self) -> Measured:
        """`pulumi up`, measured."""
        return self._measure("up", "--yes", "--skip-preview", *PARALLEL)

    def configure(self, config: dict[str, Any]) -> None:
        """Have other config values; what else the engine wrote into the file stays."""
        document = yaml.safe_load(self._config_file.read_text())
        document["config"] = config
        self._config_file.write_text(yaml.safe_dump(document, sort_keys=False))

    def refresh(self) -> Measured:
        """`pulumi refresh`, measured."""
        return self._measure("refresh", "--yes", "--skip-preview", *PARALLEL)

    def preview(self) -> Measured:
        """`pulumi preview`, measured."""
        return self._measure("preview", *PARALLEL)

    def destroy(self) -> None:
        """Remove everything that the stack made, also after a run that was cut off."""
        self._quietly("cancel", "--yes", "--stack", NAME, check=False)
        try:
            self._quietly("destroy", "--yes", "--skip-preview", "--stack", NAME, *PARALLEL)
        except BenchError as error:
            raise BenchError(
                f"{error}\nWhat is left on this host is in the records in {self._folder}: mend "
                "what is named above, destroy the stack there, and remove the folder."
            ) from None

    def _measure(self, verb: str, *options: str) -> Measured:
        events = self._folder / "events.json"
        always = ("--stack", NAME, "--non-interactive", "--color", "never")
        return measure(
            ["pulumi", verb, *options, *always, "--event-log", str(events)],
            folder=self._project,
            environment=self._environment,
            events=events,
            log=self._folder / f"{verb}.log",
            deadline_seconds=DEADLINE_SECONDS,
        )

    def _quietly(self, *arguments: str, folder: Path | None = None, check: bool = True) -> None:
        done = subprocess.run(
            ["pulumi", *arguments],
            cwd=folder or self._project,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            start_new_session=True,
        )
        if check and done.returncode != 0:
            raise BenchError(f"`pulumi {arguments[0]}` failed:\n{done.stdout}{done.stderr}")


@contextmanager
def workshop() -> Iterator[Path]:
    """Give an empty folder on the disk of the machine images; it is removed at the end."""
    base = paths.cache_dir() / "bench"
    base.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=base) as folder:
        yield Path(folder)


@contextmanager
def stack(project: Path, config: dict[str, Any]) -> Iterator[BenchStack]:
    """Give a new stack; what it made is destroyed and its records are removed at the end.

    When the destroy fails, the folder stays: it says what is left on this host.
    """
    base = paths.cache_dir() / "bench"
    base.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=base, prefix="stack-"))
    made = None
    try:
        made = BenchStack(folder, project, config)
        yield made
    finally:
        if made is not None:
            made.destroy()
        shutil.rmtree(folder)
