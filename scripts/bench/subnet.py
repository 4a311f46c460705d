"""Subnets for temporary machines, used neither by this host nor by another run."""

import ipaddress
import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def subnet(second: int) -> Iterator[ipaddress.IPv4Network]:
    """Yield a subnet 10.<second>.<n>.0/24 that neither this host nor another run uses.

    It is claimed with an abstract socket, which the kernel releases even if this process is killed.
    """
    for number in range(1, 255):
        network = ipaddress.IPv4Network(f"10.{second}.{number}.0/24")
        with socket.socket(socket.AF_UNIX) as claim:
            try:
                claim.bind(f"\0kubeadm-fleet-{network}")
            except OSError:
                continue
            if not any(address in network for address in _own_addresses()):
                yield network
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
