"""The `connection` of a resource: one host and its login."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT_DIAL_ERRORS = 10


@dataclass(frozen=True)
class SshEndpoint:
    """One host and its login."""

    host: str
    port: int
    user: str
    dial_error_limit: int
    dial_seconds: float | None
    password: str | None = field(repr=False)
    private_key: str | None = field(repr=False)
    private_key_password: str | None = field(repr=False)
    agent_socket: str | None
    host_key: str | None

    @classmethod
    def parse(cls, properties: Mapping[str, Any]) -> "SshEndpoint":
        """Read an endpoint from checked properties."""
        limit = properties.get("dialErrorLimit")
        return cls(
            host=properties["host"],
            port=int(properties["port"]),
            user=properties["user"],
            dial_error_limit=DEFAULT_DIAL_ERRORS if limit is None else int(limit),
            dial_seconds=properties["perDialTimeout"] or None,
            password=properties.get("password"),
            private_key=properties.get("privateKey"),
            private_key_password=properties.get("privateKeyPassword"),
            agent_socket=properties.get("agentSocketPath") or os.environ.get("SSH_AUTH_SOCK"),
            host_key=properties.get("hostKey"),
        )

    @property
    def address(self) -> str:
        """Host and port as text."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
