"""A systemd-nspawn machine on this host.

Create boots it and returns once SSH answers. A changed size is applied while it runs; a stopped
machine is started again with its disk; another name, address, role or owner replaces it, and so
does a missing disk. Another Kubernetes version, or other files for the same version, does not
require a new machine: the missing files are put on its disk, for its `prepare` step to stage.
Delete ends it and leaves nothing on the host.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from components.providers.base import Provider, require_present
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


class ContainerMachineProvider(Provider):
    """Manages container machines."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Boot a new machine."""
        from ops.nspawn import artifacts as stock
        from ops.nspawn import lifecycle

        spec = _spec(props, image=_image(props["kubernetes_version"]), machine_id=uuid4().hex)
        host_key = lifecycle.create(spec, {})
        given = {"host_key": host_key, "supplies": stock.of_image(spec, {}).digest}
        return CreateResult(
            id_=spec.machine_id, outs={**props, **_outs(spec, running=True), **given}
        )

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Compare the desired machine with the one that runs on the host."""
        from ops.nspawn import lifecycle

        require_present(news, (*REPLACING, *CHANGING))
        replaces = [key for key in REPLACING if olds[key] != news[key]]
        found = _found(olds)
        if found is None:
            replaces.append("hostname")
        changed = any(olds[key] != news[key] for key in CHANGING)
        stopped = found is not None and not lifecycle.is_running(found)
        return DiffResult(
            changes=bool(replaces) or changed or stopped or _needs_supplies(olds, news),
            replaces=replaces,
            delete_before_replace=True,
        )

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Apply the size, send files for its version, and start the machine if it is stopped."""
        from ops.nspawn import artifacts as stock
        from ops.nspawn import lifecycle

        found = _found(olds)
        if found is None:
            raise OperatorError(
                f"{olds['hostname']}: its disk is gone since the preview: run `pulumi up` again"
            )
        found = lifecycle.change(
            found,
            cpus=float(news["cpus"]),
            memory=int(news["memory"]),
            kubernetes_version=news["kubernetes_version"],
        )
        lifecycle.start(found)
        given = {"host_key": olds["host_key"], "supplies": olds["supplies"]}
        if olds["kubernetes_version"] != news["kubernetes_version"] or _needs_supplies(olds, news):
            supplies = _supplies(news)
            stock.supply(found, supplies)
            given["supplies"] = supplies.digest
        return UpdateResult(outs={**news, **_outs(found, running=True), **given})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Inspect the machine on the host."""
        from ops.nspawn import lifecycle

        found = _found(props)
        if found is None:
            return ReadResult(outs={})
        running = lifecycle.is_running(found)
        return ReadResult(id_=id_, outs={**props, **_outs(found, running=running)})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """End the machine and remove all of it."""
        from ops.nspawn import lifecycle

        there = _there(props)
        if there is None:
            # Its folder is missing; a process, a namespace or a veth pair may still exist.
            there = _spec(props, image=props["image"], machine_id=props["machine_id"])
        if there.machine_id == props["machine_id"]:
            lifecycle.purge(there)


def _spec(props: dict[str, Any], *, image: str, machine_id: str) -> "MachineSpec":
    from ops.nspawn.spec import MachineSpec

    return MachineSpec(
        image=image,
        machine_id=machine_id,
        cpus=float(props["cpus"]),
        memory=int(props["memory"]),
        kubernetes_version=props["kubernetes_version"],
        **{key: props[key] for key in REPLACING},
    )


def _found(props: dict[str, Any]) -> "MachineSpec | None":
    """Return the machine of these outputs as found on the host; None when its disk is missing."""
    there = _there(props)
    return there if there is not None and there.machine_id == props["machine_id"] else None


def _there(props: dict[str, Any]) -> "MachineSpec | None":
    """Return the machine that has this name on the host, whether or not it is this resource's."""
    from ops.nspawn.spec import MachineSpec, cluster_folder

    return MachineSpec.read(cluster_folder(props["cluster"]) / props["hostname"])


def _outs(spec: "MachineSpec", *, running: bool) -> dict[str, Any]:
    return {"machine_id": spec.machine_id, "image": Path(spec.image).name, "running": running}


def _supplies(props: dict[str, Any]) -> "HostArtifacts":
    from model.well_known import ARCHITECTURES
    from ops.hosts import artifacts as supplies

    return supplies.for_host(
        source="bundle",
        mirror=None,
        kubernetes_version=props["kubernetes_version"],
        arch=ARCHITECTURES[os.uname().machine],
        role=props["role"],
    )


def _needs_supplies(olds: dict[str, Any], news: dict[str, Any]) -> bool:
    """Whether the bundle changed. A preview needs no bundle, so it may be unknown."""
    try:
        return bool(_supplies(news).digest != olds["supplies"])
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


class ContainerMachine(Resource, module="kubeadm-fleet", name="ContainerMachine"):
    """A machine: `machine_id` (new for every new machine), `host_key` (public, one line)."""

    machine_id: pulumi.Output[str]
    host_key: pulumi.Output[str]
    image: pulumi.Output[str]
    running: pulumi.Output[bool]
    supplies: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        owner: pulumi.Input[str],
        cluster: str,
        hostname: str,
        role: str,
        kubernetes_version: str,
        bridge: pulumi.Input[str],
        address: str,
        gateway: str,
        cpus: float,
        memory: int,
        authorized_key: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            ContainerMachineProvider(),
            name,
            {
                "owner": owner,
                "cluster": cluster,
                "hostname": hostname,
                "role": role,
                "kubernetes_version": kubernetes_version,
                "bridge": bridge,
                "address": address,
                "gateway": gateway,
                "cpus": cpus,
                "memory": memory,
                "authorized_key": authorized_key,
                "machine_id": None,
                "host_key": None,
                "image": None,
                "running": None,
                "supplies": None,
            },
            opts,
        )
