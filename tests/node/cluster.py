"""A cluster of the real program, and the operations of a rollout on its machines."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from components.providers.step import function_of
from ops.hosts import operations
from ops.hosts.inventory import Inventory
from ops.hosts.login import Login
from ops.hosts.operations import Operation
from ops.hosts.ssh import Connection, Finished, connected
from ops.nspawn.spec import MachineSpec
from ops.rollout import checkpoints
from tests.e2e.pulumi_stack import PulumiStack

VERSION = "v1.36.3"


@dataclass(frozen=True)
class Member:
    """A machine of the cluster; `root` is its file system, as this host sees it.

    `documents` are the desired ones with their names, the same for all machines.
    """

    spec: MachineSpec
    root: Path
    login: Login
    documents: dict[str, str]

    @property
    def name(self) -> str:
        return self.spec.hostname

    def operate(self, name: str, stream: Iterable[bytes] = (), **settings: str) -> Finished:
        """Run an operation as the rollout does."""
        operation = operations.OPERATIONS[name]
        mine = {
            "NODE_NAME": self.name,
            "MACHINE_ID": self.spec.machine_id,
            "NODE_ADDRESS": self.spec.bare_address,
            "KUBERNETES_VERSION": VERSION,
            "MIRROR_CREDENTIALS": "",
            "KUBELET_RECORDS": checkpoints.SETTING,
            **self.documents,
            **settings,
        }
        taken = {key: mine[key] for key in operation.settings}
        with connected(self.login, patience_seconds=10) as connection:
            return operations.run(connection, name, operation, taken, stream)

    def succeed(self, name: str, stream: Iterable[bytes] = (), **settings: str) -> str:
        """Run an operation, which must succeed; return what it said."""
        finished = self.operate(name, stream, **settings)
        assert finished.status == 0, f"{name}: {finished.out}{finished.err}"
        return finished.out

    def node_facts(self) -> dict[str, str]:
        """What the machine is like."""
        return _known(self.succeed("node_facts"))

    def prepare(self, version: str, **other: str) -> Finished:
        """Run the step `prepare` for a version."""
        return self.step("prepare", ROLE=self.spec.role, KUBERNETES_VERSION=version, **other)

    def step(self, script: str, **more: str) -> Finished:
        """Run a step."""
        settings = {
            "NODE_NAME": self.name,
            "MACHINE_ID": self.spec.machine_id,
            "NODE_ADDRESS": self.spec.bare_address,
            **more,
        }
        operation = Operation(script, tuple(settings), 300)
        with connected(self.login, patience_seconds=10) as connection:
            return operations.run(connection, function_of(script), operation, settings)

    def shell(self, script: str) -> str:
        """Run a script as root, which must succeed."""
        with connected(self.login, patience_seconds=10) as connection:
            finished = _bash(connection, script)
        assert finished.status == 0, finished
        return finished.out

    def cluster_configuration(self, **changes: dict[str, str]) -> str:
        """The desired document with other extra arguments, by component."""
        document = yaml.safe_load(self.documents["CLUSTER_CONFIGURATION"])
        for component, arguments in changes.items():
            place = document.setdefault(component, {})
            kept = {each["name"]: each["value"] for each in place.get("extraArgs", [])}
            place["extraArgs"] = [
                {"name": name, "value": value} for name, value in {**kept, **arguments}.items()
            ]
        return yaml.safe_dump(document)


def uploaded(control_plane: Member, config_map: str, key: str) -> str:
    """A document that machines join with."""
    return control_plane.shell(
        "kubectl --kubeconfig /etc/kubernetes/admin.conf --namespace kube-system get configmap "
        f"{config_map} --output 'jsonpath={{.data.{key}}}'"
    )


def _known(said: str) -> dict[str, str]:
    pairs = (line.partition("\t") for line in said.splitlines())
    return {key: value for key, _, value in pairs}


def members(stack: PulumiStack) -> dict[str, Member]:
    """The machines of a stack of container machines, by name."""
    inventory = Inventory(stack.output("inventory"))
    documents: dict[str, str] = {}
    found = {}
    for file in sorted(stack.machines.glob("*/*/spec.json")):
        spec = MachineSpec.read(file.parent)
        assert spec is not None
        login = inventory.machine(spec.hostname).login
        found[spec.hostname] = Member(spec, file.parent / "root", login, documents)
    return found


def _bash(connection: Connection, script: str) -> Finished:
    return connection.run("exec bash -s", [script.encode()], seconds=120)
