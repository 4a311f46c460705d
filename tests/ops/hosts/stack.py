"""A stack of the real program on existing hosts."""

import json
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.pulumi_stack import PulumiStack

KEY = "sshPrivateKey"
PREFIX = "kubeadm-fleet"


class HostsStack(PulumiStack):
    """A stack whose config holds secrets, such as the private key of its hosts, by name."""

    def __init__(self, folder: Path, config: dict[str, Any], **secrets: str) -> None:
        super().__init__(folder, "hosts", config)
        self._plain = secrets

    def create(self) -> None:
        """Make the stack and give it the secrets, as a person does."""
        super().create()
        for name, value in self._plain.items():
            key = f"{PREFIX}:{name}"
            self._pulumi("config", "set", "--secret", key, stdin=value)
            self.secrets[name] = yaml.safe_load(self.config_file.read_text())["config"][key]

    def planned(self) -> list[dict[str, Any]]:
        """What a preview would do: its steps."""
        self.apply_config()
        steps: list[dict[str, Any]] = json.loads(self._pulumi("preview", "--json"))["steps"]
        return steps

    def _pulumi(self, *arguments: str, stdin: str | None = None) -> str:
        return self.cli.capture(*arguments, "--config-file", str(self.config_file), stdin=stdin)
