"""Subnets for machines that come and go: none that this host is in, and none that a run has."""

import ipaddress
import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def subnet(second: int) -> Iterator[ipaddress.IPv4Network]:
    """Give a subnet 10.<second>.<n>.0/24 that this host is not in and that no other run claims.

    The claim is a socket that has no file: the kernel gives it back, whatever happens.
    """
    for number in range(1, 255):
        wanted = ipaddress.IPv4Network(f"10.{second}.{number}.0/24")
        with socket.socket(socket.AF_UNIX) as claim:
            try:
                claim.bind(f"\0kubeadm-fleet-{wanted}")
            except OSError:
                continue
            if not any(each in wanted for each in _own_addresses()):
                yield wanted
                return
    raise LookupError(f"every subnet of 10.{second}.0.0/16 is in use on this host")


def _own_addresses() -> list[ipaddress.IPv4Address]:
    shown = subprocess.run(
        ["ip", "-json", "-4", "address", "show"], capture_output=True, text=True, check=True
    )
    return [
        ipaddress.IPv4Address(address["local"])
        for link in json.loads(shown.stdout)
        for address in link["addr_info"]
    ]
