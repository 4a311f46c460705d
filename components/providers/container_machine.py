"""A systemd-nspawn machine on this host.

Create boots it and returns once SSH answers. A changed size is applied while it runs; a stopped
machine is started again with its disk; another name, address, role or owner replaces it, and so
does a missing disk. Another Kubernetes version, or other files for the same version, does not
require a new machine: the missing files are put on its disk, for its `prepare` step to stage. So
is the table of its files, before it boots; another table alone is no change, since the rollout
brings it to members. A machine that runs and does not answer keeps what it has:
the next update sends the rest. Delete ends it and leaves nothing on the host.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import pulumi
from pulumi.dynamic import DiffResult
from pulumi.runtime.rpc import contains_unknowns

from components.providers.base import (
    ProvidedResource,
    Provider,
    changed,
    require_known,
    require_present,
)
from components.providers.container_spec import (
    ContainerMachineInputs,
    ContainerMachineState,
    artifacts_of,
    cached_image,
    found_of,
    is_outdated,
    outs_of,
    spec_of,
    there,
)
from components.providers.engine_log import this_run, warn
from ops.errors import OperatorError
from ops.kube.turns import coming_back

if TYPE_CHECKING:
    from ops.nspawn.spec import MachineSpec

REPLACING = (
    "owner",
    "cluster",
    "hostname",
    "role",
    "bridge",
    "address",
    "gateway",
    "authorized_key",
)
CHANGING = ("cpus", "memory", "kubernetes_version")


class ContainerMachineProvider(Provider[ContainerMachineInputs, ContainerMachineState]):
    """Manages container machines."""

    def _create(self, inputs: ContainerMachineInputs) -> ContainerMachineState:
        """Boot a new machine."""
        from ops.nspawn import artifacts as machine_artifacts
        from ops.nspawn import lifecycle

        with coming_back(inputs["hostname"]):
            made_from = str(cached_image(inputs))
            spec = spec_of(inputs, image=made_from, machine_id=uuid4().hex)
            host_key = lifecycle.create(spec, inputs["files"])
        return {
            **inputs,
            "host_key": host_key,
            "artifacts_digest": machine_artifacts.of_image(spec, inputs["files"]).digest,
            **outs_of(spec, running=True),
        }

    def _id(self, state: ContainerMachineState) -> str:
        return state["machine_id"]

    def _diff(self, olds: ContainerMachineState, news: ContainerMachineInputs) -> DiffResult:
        """Compare the desired machine with the one that runs on the host."""
        from ops.nspawn import lifecycle

        require_present(news, (*REPLACING, *CHANGING))
        require_known(news, ("files", "supplements"))
        replaces = changed(olds, news, REPLACING)
        found = found_of(olds)
        if found is None:
            replaces.append("hostname")
        if replaces and not this_run().is_preview and not contains_unknowns(dict(news)):
            # What its successor needs is missed before the machine is gone.
            cached_image(news)
        stopped = found is not None and not lifecycle.is_running(found)
        changes = replaces or changed(olds, news, CHANGING) or stopped
        return DiffResult(
            changes=bool(changes) or is_outdated(olds, news, found),
            replaces=replaces,
            delete_before_replace=True,
        )

    def _update(
        self, olds: ContainerMachineState, news: ContainerMachineInputs
    ) -> ContainerMachineState:
        """Apply the size, send files for its version, and start the machine if it is stopped."""
        from ops.nspawn import artifacts as machine_artifacts
        from ops.nspawn import lifecycle

        found = found_of(olds)
        if found is None:
            raise OperatorError(
                f"{olds['hostname']}: its disk has disappeared since the preview: run `fleet up` "
                "again"
            )
        found = lifecycle.change(
            found,
            cpus=float(news["cpus"]),
            memory=int(news["memory"]),
            kubernetes_version=news["kubernetes_version"],
        )
        lifecycle.start(found)
        digest = olds["artifacts_digest"]
        other = changed(olds, news, ("kubernetes_version",))
        if other or is_outdated(olds, news, found):
            if not lifecycle.answers(found):
                return _unsent(olds, news, found)
            desired = artifacts_of(news)
            machine_artifacts.sync(found, desired)
            digest = desired.digest
        return {
            **news,
            "host_key": olds["host_key"],
            "artifacts_digest": digest,
            **outs_of(found, running=True),
        }

    def _read(self, state: ContainerMachineState) -> ContainerMachineState | None:
        """Inspect the machine on the host."""
        from ops.nspawn import lifecycle

        found = found_of(state)
        if found is None:
            return None
        return {**state, **outs_of(found, running=lifecycle.is_running(found))}

    def _delete(self, state: ContainerMachineState) -> None:
        """End the machine and remove all of it."""
        from ops.nspawn import lifecycle

        # Its folder may be missing, and a process, a namespace or a veth pair still exist.
        spec = there(state) or spec_of(state, image=state["image"], machine_id=state["machine_id"])
        if spec.machine_id == state["machine_id"]:
            lifecycle.purge(spec)


def _unsent(
    olds: ContainerMachineState, news: ContainerMachineInputs, found: "MachineSpec"
) -> ContainerMachineState:
    """Return the state of a machine that does not answer: no step is to be run on it."""
    warn(f"{news['hostname']} does not answer. Nothing was sent: run `fleet up` once it answers")
    return {
        **news,
        "kubernetes_version": olds["kubernetes_version"],
        "files": olds["files"],
        "host_key": olds["host_key"],
        "artifacts_digest": olds["artifacts_digest"],
        **outs_of(found, running=True),
    }


@dataclass(frozen=True)
class ContainerMachineArgs:
    """A machine: `owner` is the fleet's public key, `address` has a prefix length, `memory` bytes.

    `authorized_key` is the public key that may log in as root, `files` is the checksum of the
    table of its files. `supplements` are those of its bundle, empty if there are none.
    """

    owner: pulumi.Input[str]
    cluster: str
    hostname: str
    role: str
    kubernetes_version: str
    bridge: pulumi.Input[str]
    address: str
    gateway: str
    cpus: float
    memory: int
    authorized_key: pulumi.Input[str]
    files: str
    supplements: list[str]


class ContainerMachine(ProvidedResource, module="kubeadm-fleet", name="ContainerMachine"):
    """A machine: `machine_id` (new for every new machine), `host_key` (public, one line)."""

    kubernetes_version: pulumi.Output[str]
    machine_id: pulumi.Output[str]
    host_key: pulumi.Output[str]
    image: pulumi.Output[str]
    running: pulumi.Output[bool]
    artifacts_digest: pulumi.Output[str]

    def __init__(
        self, name: str, args: ContainerMachineArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(ContainerMachineProvider(), name, args, opts)
