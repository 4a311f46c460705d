"""A stack that shares nothing with the user's own stacks: for measurements and tests.

Backend, passphrase, Pulumi's home, credentials and machines are in one folder. Only artifacts that
can be rebuilt (tool chain, bundle, image) come from the cache.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from ops.pulumi.cli import PulumiCli, engine_environment

PASSPHRASE = "for temporary stacks only"  # noqa: S105 (of a stack without a secret)


class IsolatedStack:
    """The stack `name` of the program in `project`, entirely contained in `folder`."""

    def __init__(self, folder: Path, name: str, project: Path) -> None:
        self.folder = folder
        self.name = name
        self.machines = folder / "machines"
        self.config_file = folder / f"Pulumi.{name}.yaml"
        (folder / "backend").mkdir(parents=True, exist_ok=True)
        self.environment = {
            **os.environ,
            **engine_environment(Path(sys.executable).parents[1], os.environ["PATH"]),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_OPTION_CONFIG_FILE": str(self.config_file),
            "PULUMI_STACK": name,
            "KUBEADM_FLEET_MACHINES": str(self.machines),
            "KUBEADM_FLEET_STATE": str(folder / "state"),
        }
        self.cli = PulumiCli(project, self.environment)
        # What is set later holds for the next run.
        self.environment = self.cli.environment

    def write_config(self, config: dict[str, Any]) -> None:
        """Write the config, keeping the salt that the engine put into the file."""
        before = yaml.safe_load(self.config_file.read_text()) if self.config_file.exists() else {}
        document = {**before, "config": config}
        self.config_file.write_text(yaml.safe_dump(document, sort_keys=False))

    def create(self) -> None:
        """Create the stack's record; the engine writes the salt into the config file beside it."""
        shutil.copy(self.cli.project / "Pulumi.yaml", self.folder)
        self.cli.capture("stack", "init", "--no-select", self.name, folder=self.folder)
