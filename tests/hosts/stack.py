"""A stack of the real program whose machines are hosts that exist already."""

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.pulumi_stack import CHECKOUT, PulumiStack

KEY = "kubeadm-fleet:sshPrivateKey"


class HostsStack(PulumiStack):
    """A stack with the private key of its hosts as a secret of its config."""

    def __init__(self, folder: Path, config: dict[str, Any], private_key: str) -> None:
        super().__init__(folder, "hosts", config)
        self.environment["PULUMI_DEBUG_COMMANDS"] = "true"  # which offers --event-log
        self._private_key = private_key
        self._encrypted: dict[str, str] = {}

    def create(self) -> None:
        """Make the stack and give it the key, as a person does."""
        super().create()
        self._pulumi("config", "set", "--secret", KEY, stdin=self._private_key)
        self._encrypted = yaml.safe_load(self.config_file.read_text())["config"][KEY]

    def write_config(self) -> None:
        """Write the config with the encrypted key, once there is one."""
        super().write_config()
        if self._encrypted:
            document = yaml.safe_load(self.config_file.read_text())
            document["config"][KEY] = self._encrypted
            self.config_file.write_text(yaml.safe_dump(document, sort_keys=False))

    def planned(self) -> list[dict[str, Any]]:
        """What a preview would do: its steps."""
        self.write_config()
        steps: list[dict[str, Any]] = json.loads(self._pulumi("preview", "--json"))["steps"]
        return steps

    def _pulumi(self, *arguments: str, stdin: str = "") -> str:
        finished = subprocess.run(
            [*self._command(*arguments), "--config-file", str(self.config_file)],
            cwd=CHECKOUT,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout
