"""Real machines with real SSH for one test: bare hosts on a bridge of their own."""

import subprocess
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any
from uuid import uuid4

from model.ssh_keys import SshKeyPair, new_key_pair
from ops.hosts.login import Login
from ops.hosts.ssh import Connection, Finished, connected
from ops.nspawn import disk, lifecycle, network, process
from ops.nspawn.runtime import Runtime
from ops.nspawn.spec import MachineSpec, short
from tests.ops.hosts.bare import USER, bare_image

MEMORY = 3 << 30


@dataclass(frozen=True)
class BareHost:
    """A running machine, seen from outside (`root`, its disk) and over SSH."""

    spec: MachineSpec
    host_key: str
    key: SshKeyPair

    @property
    def name(self) -> str:
        return self.spec.hostname

    @property
    def address(self) -> str:
        return self.spec.bare_address

    @property
    def root(self) -> Path:
        """The machine's file system, as this host sees it."""
        return self.spec.folder / "root"

    def login(self, user: str = USER) -> Login:
        return Login(self.address, 22, user, self.host_key, self.key.private_openssh)

    def shell(self, script: str) -> str:
        """Run a script as root inside and return what it printed."""
        with connected(self.login("root"), patience_seconds=10) as connection:
            finished = run(connection, script)
        assert finished.status == 0, finished
        return finished.out

    def have_sudo_ask(self, password: str, defaults: str = "") -> None:
        """Give the user a password, and have sudo ask it; `defaults` are lines of sudoers(5)."""
        (self.root / "root/password").write_text(f"{USER}:{password}\n")
        self.shell("chpasswd </root/password && rm /root/password")
        (self.root / "etc/sudoers.d/user").write_text(f"{defaults}{USER} ALL=(ALL) ALL\n")

    def pause(self) -> None:
        """Make the machine silent, as a host is whose cable was pulled."""
        subprocess.run(["ip", "link", "set", self.spec.link, "down"], check=True)

    def resume(self) -> None:
        """Undo `pause`."""
        subprocess.run(["ip", "link", "set", self.spec.link, "up"], check=True)

    def reset(self) -> None:
        """Cut its power and restore it: it boots with its disk."""
        process.stop(self.spec, disk.root(self.spec))
        lifecycle.start(self.spec)

    def leader(self) -> int:
        """The process id of the machine's own PID 1."""
        runtime = Runtime.read(self.spec)
        assert runtime
        return runtime.leader.id


def run(connection: Connection, script: str, seconds: float = 120) -> Finished:
    """Run a script with bash."""
    return connection.run("exec bash -s", [script.encode()], seconds=seconds)


class Lab:
    """A bridge with a subnet (a /24), and machines on it."""

    def __init__(self, subnet: IPv4Network) -> None:
        self.subnet = subnet
        self.key: SshKeyPair = new_key_pair("test")
        self.hosts: list[BareHost] = []

    @property
    def gateway(self) -> str:
        """This host's address on the bridge."""
        return self.address(1)

    @property
    def bridge(self) -> str:
        return f"kf{short(self.key.public, 12)}"

    def address(self, last: int) -> str:
        """One of the lab's addresses."""
        return str(self.subnet[last])

    def __enter__(self) -> "Lab":
        network.make_bridge(self.bridge, f"{self.gateway}/24")
        return self

    def __exit__(self, *_: Any) -> None:
        for host in self.hosts:
            lifecycle.purge(host.spec)
        network.remove_bridge(self.bridge)

    def boot(
        self,
        name: str,
        last: int,
        *,
        cpus: float = 2,
        memory: int = MEMORY,
        image: Path | None = None,
    ) -> BareHost:
        """Boot a bare host with the address that ends in `last`, with Debian or from `image`."""
        spec = MachineSpec(
            owner=f"lab {self.key.public}",
            cluster="lab",
            hostname=name,
            role="worker",
            kubernetes_version="",
            bridge=self.bridge,
            address=f"{self.address(last)}/24",
            gateway=self.gateway,
            cpus=cpus,
            memory=memory,
            authorized_key=self.key.public,
            image=str(image or bare_image()),
            machine_id=uuid4().hex,
        )
        host = BareHost(spec, lifecycle.create(spec, ""), self.key)
        self.hosts.append(host)
        ssh = host.root / "home" / USER / ".ssh"
        ssh.mkdir(mode=0o755)
        (ssh / "authorized_keys").write_text(f"{self.key.public}\n")
        return host
