"""Machines of a fleet, each an sshd on this host, and `fleet` for them."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model.machine import Bastion
from ops.hosts.login import Login
from tests.scripts.conftest import TOP
from tests.sshd import KeyPair, Sshd

SECONDS = 60


def login(host: Sshd, key: KeyPair, bastion: Sshd | None = None, **other: Any) -> Login:
    """Return the login to an sshd."""
    before = (
        Bastion(bastion.host, bastion.port, bastion.user, bastion.host_key.public)
        if bastion
        else None
    )
    given = {"host_key": host.host_key.public, "private_key": key.private, "bastion": before}
    return Login(host.host, host.port, host.user, **{**given, **other})


@dataclass(frozen=True)
class Fleet:
    """One cluster of control planes with these logins, by name, and the command."""

    folder: Path
    logins: Mapping[str, Login]
    variables: Mapping[str, str] = field(default_factory=dict)

    def arguments(self, *arguments: str) -> list[str]:
        """Return the complete command line."""
        entry = {"address": "192.0.2.1", "role": "control-plane", "pool": "", "driver": "existing"}
        machines = {name: {**entry, "login": each.to_props()} for name, each in self.logins.items()}
        file = self.folder / "inventory.json"
        file.write_text(json.dumps({"one": machines}))
        module = "tests.scripts.fleet.with_inventory"
        return [sys.executable, "-m", module, str(file), *arguments]

    def run(self, *arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        """Run `fleet` to its end."""
        return subprocess.run(
            self.arguments(*arguments), cwd=TOP, input=stdin, capture_output=True, timeout=SECONDS
        )
