"""A fleet for one test: an owner, a cluster, a bridge and machines on this host."""

import base64
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import paramiko
from pulumi.dynamic import CreateResult, ReadResult, UpdateResult

from components.providers.bridge import BridgeProvider
from components.providers.container_machine import ContainerMachineProvider
from model.ssh_keys import SshKeyPair, new_key_pair
from ops.hosts import content
from ops.nspawn.spec import MachineSpec, short
from tests.ops.nspawn import host
from tests.ops.nspawn.image_maker import SUPPLEMENTS, VERSION

MIB = 1 << 20
MACHINES = ContainerMachineProvider()
NETWORKS = BridgeProvider()

Outs = dict[str, Any]


def outs(result: CreateResult | UpdateResult | ReadResult) -> Outs:
    """Return the outputs that a provider answered with."""
    assert result.outs is not None
    return dict(result.outs)


@dataclass
class TestFleet:
    """Machines of one random owner, made by the very providers that the program uses."""

    __test__ = False

    machines_dir: Path
    prefix: str
    owner: str = field(default_factory=lambda: uuid4().hex)
    cluster: str = "cluster1"
    login: SshKeyPair = field(default_factory=lambda: new_key_pair("test"))

    def network_inputs(self) -> Outs:
        """What a network is asked for with."""
        return {"owner": self.owner, "cluster": self.cluster, "subnet": f"{self.prefix}.0/24"}

    def make_network(self) -> Outs:
        """Make the bridge."""
        return outs(NETWORKS.create(self.network_inputs()))

    def inputs(self, network: Outs, index: int = 0, role: str = "worker", **other: Any) -> Outs:
        """What a machine is asked for with."""
        return {
            "owner": self.owner,
            "cluster": self.cluster,
            "hostname": f"{self.cluster}-{role}-{index}",
            "role": role,
            "kubernetes_version": VERSION,
            "bridge": network["bridge"],
            "address": f"{self.prefix}.{11 + index}/24",
            "gateway": network["gateway"],
            "cpus": 1.5,
            "memory": 512 * MIB,
            "authorized_key": self.login.public,
            "files": content.put(""),
            "supplements": list(SUPPLEMENTS),
            **other,
        }

    def make(self, network: Outs, index: int = 0, role: str = "worker", **other: Any) -> Outs:
        """Boot a machine."""
        return outs(MACHINES.create(self.inputs(network, index, role, **other)))

    def folder(self, machine: Outs) -> Path:
        """The machine's folder on this host."""
        return self.machines_dir / str(machine["cluster"]) / str(machine["hostname"])

    def spec(self, machine: Outs) -> MachineSpec:
        """The machine as the host knows it."""
        spec = MachineSpec.read(self.folder(machine))
        assert spec is not None
        return spec

    def leader(self, machine: Outs) -> int:
        """The id of the machine's PID 1 on this host."""
        return int((self.folder(machine) / "leader").read_text())

    def run(self, machine: Outs, command: str, seconds: float = 60) -> str:
        """Run a command that must succeed, over SSH with the pinned host key."""
        address = str(machine["address"]).partition("/")[0]
        kind, key = str(machine["host_key"]).split()
        with paramiko.SSHClient() as client:
            client.get_host_keys().add(address, kind, _public(key))
            client.set_missing_host_key_policy(paramiko.RejectPolicy())
            client.connect(
                address, username="root", pkey=_private(self.login), look_for_keys=False,
                allow_agent=False, timeout=10,
            )  # fmt: skip
            _stdin, stdout, stderr = client.exec_command(command, timeout=seconds)
            out, error = stdout.read().decode(), stderr.read().decode()
            assert stdout.channel.recv_exit_status() == 0, f"{command}: {out}{error}"
        return out

    def left(self) -> dict[str, set[str]]:
        """What is on the host of this fleet, by kind; only kinds of which there is something."""
        marks = [short(self.owner), str(self.machines_dir), short(self.owner + self.cluster, 12)]
        marks += [
            short(self.owner + f"{self.cluster}-{role}-{index}", 12)
            for role in ("control-plane", "worker")
            for index in range(3)
        ]
        found = host.parts(*marks)
        found["folders"] = {str(path) for path in self.machines_dir.glob("*")}
        return {kind: names for kind, names in found.items() if names}


def _public(key: str) -> paramiko.PKey:
    return paramiko.Ed25519Key(data=base64.b64decode(key))


def _private(pair: SshKeyPair) -> paramiko.PKey:
    return paramiko.Ed25519Key.from_private_key(io.StringIO(pair.private_openssh))
