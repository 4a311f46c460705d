"""What the inputs and the state of a container machine say about it, for `ops.nspawn`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from ops.errors import OperatorError

if TYPE_CHECKING:
    from ops.hosts.artifacts import HostArtifacts
    from ops.nspawn.spec import MachineSpec


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
    supplements: list[str]


class Found(TypedDict):
    """What is known of a machine that is on the host."""

    machine_id: str
    image: str
    running: bool


class ContainerMachineState(ContainerMachineInputs, Found):
    """The machine as it was created, or found on the host."""

    host_key: str
    artifacts_digest: str


def spec_of(inputs: ContainerMachineInputs, *, image: str, machine_id: str) -> "MachineSpec":
    """Return the machine with this image and ID."""
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


def found_of(state: ContainerMachineState) -> "MachineSpec | None":
    """Return the machine of this state as found on the host; None when its disk is missing."""
    spec = there(state)
    return spec if spec is not None and spec.machine_id == state["machine_id"] else None


def there(state: ContainerMachineState) -> "MachineSpec | None":
    """Return the machine that has this name on the host, whether or not it is this resource's."""
    from ops.nspawn.spec import MachineSpec, cluster_folder

    return MachineSpec.read(cluster_folder(state["cluster"]) / state["hostname"])


def outs_of(spec: "MachineSpec", *, running: bool) -> Found:
    """Return the machine's part of the state."""
    return {"machine_id": spec.machine_id, "image": Path(spec.image).name, "running": running}


def artifacts_of(inputs: ContainerMachineInputs) -> "HostArtifacts":
    """Return what the machine is to have."""
    from model.well_known import ARCHITECTURES
    from ops.hosts import artifacts

    return artifacts.for_host(
        source="bundle",
        mirror=None,
        kubernetes_version=inputs["kubernetes_version"],
        arch=ARCHITECTURES[os.uname().machine],
        role=inputs["role"],
        supplements=inputs["supplements"],
    ).with_table(inputs["files"])


def is_outdated(
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
        desired = artifacts_of({**news, "files": former})
        return bool(desired.digest != olds["artifacts_digest"])
    except OperatorError:
        return False


def cached_image(inputs: ContainerMachineInputs) -> Path:
    """Return the machine image for a machine's version and supplements."""
    from ops.nspawn import image

    return image.cached(inputs["kubernetes_version"], inputs["supplements"])
