"""Whoever logs in, as root: one bash that reads what it runs from standard input."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from model import sudo as root
from ops.hosts.ssh import Connection, Finished


@dataclass(frozen=True)
class Sudo:
    """Whether it takes sudo, and the password that sudo asks, if it asks one."""

    sudo: bool
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, props: Mapping[str, Any]) -> "Sudo":
        """Return it as the inputs of a resource that logs in say it (components/login.py)."""
        return cls(bool(props["sudo"]), props.get("sudo_password"))

    def run(
        self,
        connection: Connection,
        text: bytes,
        call: str,
        stream: Iterable[bytes] = (),
        *,
        limit: int,
        seconds: float,
    ) -> Finished:
        """Run `call` after `text`, which travels in front of the stream that `call` reads.

        It is ended there after `limit` seconds (0: never), and here after `seconds` of silence.
        """
        script = f'eval "$(head --bytes={len(text)})"; {call}'
        needs_password = self.password is not None
        return connection.run(
            root.command(script, sudo=self.sudo, needs_password=needs_password, seconds=limit),
            chain([root.sudo_preamble(self.password).encode(), text], stream),
            seconds=seconds,
        )
