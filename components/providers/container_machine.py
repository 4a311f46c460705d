"""A systemd-nspawn machine on this host.

Create boots it and returns once SSH answers. A changed size is applied while it runs; a stopped
machine is started again with its disk; another name, address, role or owner replaces it, and so
does a missing disk. Another Kubernetes version, or other files for the same version, does not
require a new machine: the missing files are put on its disk, for its `prepare` step to stage. So
is the table of its files, before it boots; another table alone is no change, since the rollout
brings it to members. A machine that runs and does not answer keeps what it has:
the next update sends the rest. Delete ends it and leaves nothing on the host.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict
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
from components.providers.engine_log import EngineLog, this_run
from model import paths
from ops.errors import OperatorError

if TYPE_CHECKING:
    from ops.hosts.artifacts import HostArtifacts
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


class ContainerMachineInputs(TypedDict):
    """The machine as the provider gets it."""

    owner: str
    cluster: str
    hostname: str
    role: str
    kubernetes_version: str
    bridge: str
    address: str
    gateway: str
    cpus: float
    memory: float
    authorized_key: str
    files: str


class _Found(TypedDict):
    machine_id: str
    image: str
    running: bool


class ContainerMachineState(ContainerMachineInputs, _Found):
    """The machine as it was created, or found on the host."""

    host_key: str
    artifacts_digest: str


class ContainerMachineProvider(Provider[ContainerMachineInputs, ContainerMachineState]):
    """Manages container machines."""

    def _create(self, inputs: ContainerMachineInputs) -> ContainerMachineState:
        """Boot a new machine."""
        from ops.nspawn import artifacts as machine_artifacts
        from ops.nspawn import lifecycle

        image = _image(inputs["kubernetes_version"])
        spec = _spec(inputs, image=image, machine_id=uuid4().hex)
        return {
            **inputs,
            "host_key": lifecycle.create(spec, inputs["files"]),
            "artifacts_digest": machine_artifacts.of_image(spec, inputs["files"]).digest,
            **_outs(spec, running=True),
        }

    def _id(self, state: ContainerMachineState) -> str:
        return state["machine_id"]

    def _diff(self, olds: ContainerMachineState, news: ContainerMachineInputs) -> DiffResult:
        """Compare the desired machine with the one that runs on the host."""
        from ops.nspawn import lifecycle

        require_present(news, (*REPLACING, *CHANGING))
        require_known(news, ("files",))
        replaces = changed(olds, news, REPLACING)
        found = _found(olds)
        if found is None:
            replaces.append("hostname")
        if replaces and not this_run().is_preview and not contains_unknowns(dict(news)):
            # What its successor needs is missed before the machine is gone.
            _image(news["kubernetes_version"])
        stopped = found is not None and not lifecycle.is_running(found)
        changes = replaces or changed(olds, news, CHANGING) or stopped
        return DiffResult(
            changes=bool(changes) or _artifacts_outdated(olds, news, found),
            replaces=replaces,
            delete_before_replace=True,
        )

    def _update(
        self, olds: ContainerMachineState, news: ContainerMachineInputs
    ) -> ContainerMachineState:
        """Apply the size, send files for its version, and start the machine if it is stopped."""
        from ops.nspawn import artifacts as machine_artifacts
        from ops.nspawn import lifecycle

        found = _found(olds)
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
        if other or _artifacts_outdated(olds, news, found):
            if not lifecycle.answers(found):
                return _unsent(olds, news, found)
            desired = _host_artifacts(news)
            machine_artifacts.sync(found, desired)
            digest = desired.digest
        return {
            **news,
            "host_key": olds["host_key"],
            "artifacts_digest": digest,
            **_outs(found, running=True),
        }

    def _read(self, state: ContainerMachineState) -> ContainerMachineState | None:
        """Inspect the machine on the host."""
        from ops.nspawn import lifecycle

        found = _found(state)
        if found is None:
            return None
        return {**state, **_outs(found, running=lifecycle.is_running(found))}

    def _delete(self, state: ContainerMachineState) -> None:
        """End the machine and remove all of it."""
        from ops.nspawn import lifecycle

        there = _there(state)
        if there is None:
            # Its folder is missing; a process, a namespace or a veth pair may still exist.
            there = _spec(state, image=state["image"], machine_id=state["machine_id"])
        if there.machine_id == state["machine_id"]:
            lifecycle.purge(there)


def _unsent(
    olds: ContainerMachineState, news: ContainerMachineInputs, found: "MachineSpec"
) -> ContainerMachineState:
    """Return the state of a machine that does not answer: no step is to be run on it."""
    EngineLog("")(
        f"{news['hostname']} does not answer. Nothing was sent: run `fleet up` once it answers",
        ephemeral=False,
        warning=True,
    )
    return {
        **news,
        "kubernetes_version": olds["kubernetes_version"],
        "files": olds["files"],
        "host_key": olds["host_key"],
        "artifacts_digest": olds["artifacts_digest"],
        **_outs(found, running=True),
    }


def _spec(inputs: ContainerMachineInputs, *, image: str, machine_id: str) -> "MachineSpec":
    from ops.nspawn.spec import MachineSpec

    return MachineSpec(
        owner=inputs["owner"],
        cluster=inputs["cluster"],
        hostname=inputs["hostname"],
        role=inputs["role"],
        kubernetes_version=inputs["kubernetes_version"],
        bridge=inputs["bridge"],
        address=inputs["address"],
        gateway=inputs["gateway"],
        cpus=float(inputs["cpus"]),
        memory=int(inputs["memory"]),
        authorized_key=inputs["authorized_key"],
        image=image,
        machine_id=machine_id,
    )


def _found(state: ContainerMachineState) -> "MachineSpec | None":
    """Return the machine of this state as found on the host; None when its disk is missing."""
    there = _there(state)
    return there if there is not None and there.machine_id == state["machine_id"] else None


def _there(state: ContainerMachineState) -> "MachineSpec | None":
    """Return the machine that has this name on the host, whether or not it is this resource's."""
    from ops.nspawn.spec import MachineSpec, cluster_folder

    return MachineSpec.read(cluster_folder(state["cluster"]) / state["hostname"])


def _outs(spec: "MachineSpec", *, running: bool) -> _Found:
    return {"machine_id": spec.machine_id, "image": Path(spec.image).name, "running": running}


def _host_artifacts(inputs: ContainerMachineInputs) -> "HostArtifacts":
    from model.well_known import ARCHITECTURES
    from ops.hosts import artifacts

    return artifacts.for_host(
        source="bundle",
        mirror=None,
        kubernetes_version=inputs["kubernetes_version"],
        arch=ARCHITECTURES[os.uname().machine],
        role=inputs["role"],
    ).with_table(inputs["files"])


def _artifacts_outdated(
    olds: ContainerMachineState, news: ContainerMachineInputs, found: "MachineSpec | None"
) -> bool:
    """Whether the bundle or the machine's disk changed.

    A preview needs no bundle, so whether that changed may be unknown.
    """
    from ops.nspawn import artifacts as machine_artifacts

    former = olds["files"]
    if found is not None and not machine_artifacts.has_table(found, former):
        return True
    try:
        desired = _host_artifacts({**news, "files": former})
        return bool(desired.digest != olds["artifacts_digest"])
    except OperatorError:
        return False


def _image(kubernetes_version: str) -> str:
    current = paths.image_dir(kubernetes_version)
    if not current.exists():
        raise OperatorError(
            f"there is no machine image for Kubernetes {kubernetes_version} at {current}: "
            "run `make image` as root"
        )
    return str(current.resolve())


@dataclass(frozen=True)
class ContainerMachineArgs:
    """A machine: `owner` is the fleet's public key, `address` has a prefix length, `memory` bytes.

    `authorized_key` is the public key that may log in as root, `files` is the checksum of the
    table of its files.
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
