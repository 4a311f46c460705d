"""Addresses to listen on: PORT or ADDRESS:PORT; an IPv6 address is in brackets."""

import ipaddress
import re
from typing import NamedTuple

import click

LOOPBACK = "127.0.0.1"
LARGEST_PORT = 65535
_ADDRESS = re.compile(r"(?:\[(?P<six>[^\]]+)\]:|(?P<four>[^:\[\]]+):)?(?P<port>[0-9]{1,5})")


class Address(NamedTuple):
    """An IP address and a port; as text, what can be given again."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Listening(click.ParamType[Address]):
    """An IP address and a port; the address is that of the loopback if only a port is named."""

    name = "address"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Address:
        """Return both; reject anything else, also names: they may become another address."""
        if isinstance(value, Address):
            return value
        match = _ADDRESS.fullmatch(str(value))
        if match is None or not 0 < int(match["port"]) <= LARGEST_PORT:
            self.fail(
                f"{value!r} is not PORT or ADDRESS:PORT, such as 9877, 0.0.0.0:9877 or [::1]:9877",
                param,
                ctx,
            )
        host = match["six"] or match["four"] or LOOPBACK
        try:
            address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
        except ValueError:
            self.fail(f"{host!r} is not an IP address of this host", param, ctx)
        if (address.version == 6) != bool(match["six"]):
            self.fail(f"{value!r}: an IPv6 address is written in brackets", param, ctx)
        return Address(str(address), int(match["port"]))
