"""The desired state of every machine of a cluster."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from model.machine import CONTROL_PLANE, WORKER
from model.natural_order import Key, natural
from model.rotation_phases import CA
from ops.kube.node import ROLE_LABELS
from ops.rollout import checkpoints, documents
from ops.rollout.inputs import ClusterInputs, EncryptionInputs, MachineInputs

# What a machine reports instead of the checksum of a file that it does not have.
MISSING = "missing"


@dataclass(frozen=True)
class DesiredMachine:
    """One machine; `control` and `kubelet` are digests of its components' settings.

    `recorded` is one of the kubelet's settings that it keeps a record of (see checkpoints.py),
    `kubelet_document` has all of its settings. `control` is empty for a worker, `pool` for a
    control plane, `host` and `host_key` for a container machine. `labels` include those of its
    role; `taints` are written `key=value:Effect`. `credentials` is the checksum of its credentials
    for registry mirrors, or "missing". `parts` are the digests of its managed files, `table` names
    their contents (see model/render/machine_files.py and ops/hosts/content.py). `issuer_key` is
    the identifier of the key that signs its certificates. `clients` is the checksum of the CAs
    whose client certificates its API server accepts, empty for a worker, and `people` are those
    whom they are of, None if that is not known; `secrets` is the digest of its API server's secret
    files, empty for a worker. `trust` is the digest of what it trusts, `cluster_ca` that of the
    cluster's CA alone; `signers` are the issuers of its certificates by the name of the CA,
    `ca_phase` is that of a rotation of the cluster's CA. `security_updates` is the time whose
    security updates its system has, "" if none is wanted. `supplements` are the choices whose
    images it was sent, `plugin` is what connects its pods, as the CNI configuration is named; "" in
    states of earlier versions.
    """

    name: str
    role: str
    address: str
    pool: str
    host: str
    host_key: str
    version: str
    labels: Mapping[str, str]
    taints: tuple[str, ...]
    control: str
    kubelet: str
    recorded: str
    kubelet_document: str
    parts: Mapping[str, str]
    table: str
    credentials: str
    issuer_key: str
    clients: str
    people: tuple[str, ...] | None
    secrets: str
    trust: str
    cluster_ca: str
    signers: Mapping[str, str]
    ca_phase: str
    security_updates: str
    supplements: tuple[str, ...]
    plugin: str

    @property
    def is_control_plane(self) -> bool:
        """Whether it runs the API and etcd."""
        return self.role == CONTROL_PLANE


@dataclass(frozen=True)
class DesiredCluster:
    """All machines in the order of their names, and their common settings.

    `clients` is the digest of the CAs whose client certificates API servers accept, and
    `client_authorities` their text, which is known while machines are changed.
    `mirror_credentials` is the table of model/render/mirrors.py, a secret; "" if there are none.
    `serving_seconds` is how long the kubelets' serving certificates are valid. `api_server_secrets`
    is the table of model/api_server_secrets.py, a secret, which is known like the CAs' text;
    `writer` is what encrypts Secrets, and `encryption` is that without the name of the key;
    `encryption_keys` is a number that changes with the keys.
    """

    name: str
    version: str
    cluster_document: str
    kubelet_document: str
    patches: str
    machines: tuple[DesiredMachine, ...]
    ids: Mapping[str, str]
    serving_seconds: float
    clients: str
    front_proxy: str = ""
    rotations: Mapping[str, str] = field(default_factory=dict)
    client_authorities: str = ""
    mirror_credentials: str = field(default="", repr=False)
    api_server_secrets: str = field(default="", repr=False)
    encryption: EncryptionInputs = field(
        default_factory=lambda: EncryptionInputs(provider="", plugin="")
    )
    writer: str = ""
    encryption_keys: float = 0

    @classmethod
    def of(cls, inputs: ClusterInputs) -> "DesiredCluster":
        """Read the rollout's inputs."""
        control = documents.control_digest(inputs["cluster_document"], inputs["patches"])
        # Machines of a pool have the same settings.
        kubelets = {
            own: _Kubelet.of(documents.overridden(inputs["kubelet_document"], own))
            for own in {machine.get("kubelet", "") for machine in inputs["machines"].values()}
        }
        machines = tuple(
            _machine(name, machine, inputs, kubelets[machine.get("kubelet", "")], control)
            for name, machine in sorted(inputs["machines"].items(), key=_place)
        )
        return cls(
            inputs["cluster"],
            inputs["version"],
            inputs["cluster_document"],
            inputs["kubelet_document"],
            inputs["patches"],
            machines,
            inputs["machine_ids"],
            inputs["serving_seconds"],
            inputs["client_set"],
            inputs["front_proxy_set"],
            inputs["rotations"],
            inputs.get("client_authorities", ""),
            inputs.get("mirror_credentials", ""),
            inputs.get("api_server_secrets", ""),
            inputs["encryption"],
            inputs["writer"],
            inputs["encryption_keys"],
        )

    @cached_property
    def control(self) -> str:
        """The digest of the control planes' settings."""
        return documents.control_digest(self.cluster_document, self.patches)

    @cached_property
    def kubelet(self) -> str:
        """The digest of the kubelets' common settings."""
        return documents.digest(self.kubelet_document)

    @cached_property
    def digest(self) -> str:
        """A digest of everything that a rollout brings to machines."""
        machines = {
            machine.name: [
                dict(machine.labels),
                machine.taints,
                dict(machine.parts),
                machine.security_updates,
                machine.supplements,
                machine.plugin,
            ]
            for machine in self.machines
        }
        trust = [str(self.clients), dict(self.rotations), str(self.writer)]
        state = [self.version, self.control, self.kubelet, *trust, machines]
        return sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:16]

    @cached_property
    def by_name(self) -> Mapping[str, DesiredMachine]:
        """The machines by name."""
        return {machine.name: machine for machine in self.machines}

    @property
    def control_planes(self) -> list[DesiredMachine]:
        """The machines that run the API."""
        return [machine for machine in self.machines if machine.is_control_plane]

    @property
    def workers(self) -> list[DesiredMachine]:
        """The machines that run only workloads."""
        return [machine for machine in self.machines if not machine.is_control_plane]


@dataclass(frozen=True)
class _Kubelet:
    """The settings of a kubelet, their digest, and that of those that it keeps a record of."""

    document: str
    digest: str
    recorded: str

    @classmethod
    def of(cls, document: str) -> "_Kubelet":
        return cls(document, documents.digest(document), checkpoints.digest(document))


def _machine(
    name: str, machine: MachineInputs, inputs: ClusterInputs, kubelet: _Kubelet, control: str
) -> DesiredMachine:
    is_plane = machine["role"] == CONTROL_PLANE
    credentials = inputs.get("mirror_credentials", "")
    return DesiredMachine(
        name=name,
        role=machine["role"],
        address=machine["address"],
        pool=machine.get("pool", ""),
        host=machine.get("host", ""),
        host_key=machine.get("host_key", ""),
        version=inputs["version"],
        labels={**(ROLE_LABELS if is_plane else {}), **machine.get("labels", {})},
        taints=tuple(machine.get("taints", ())),
        control=control if is_plane else "",
        kubelet=kubelet.digest,
        recorded=kubelet.recorded,
        kubelet_document=kubelet.document,
        parts=machine["files"]["parts"],
        table=machine["files"]["table"],
        credentials=sha256(credentials.encode()).hexdigest() if credentials else MISSING,
        issuer_key=inputs["issuer_key"],
        clients=inputs["client_file"] if is_plane else "",
        people=tuple(inputs["people"]) if "people" in inputs else None,
        secrets=inputs["secrets_digest"] if is_plane else "",
        trust=_of_role(inputs["trusted"], machine["role"]),
        cluster_ca=_of_role(inputs["trusted"], WORKER),
        signers=inputs["signers"],
        ca_phase=inputs["rotations"].get(CA, ""),
        security_updates=inputs.get("security_updates", ""),
        supplements=tuple(inputs["supplements"]),
        plugin=inputs["plugin"],
    )


def _of_role(trusted: Mapping[str, str], role: str) -> str:
    """Return what machines of a role trust; what a preview does not know yet equals nothing."""
    return trusted[role] if isinstance(trusted, Mapping) else trusted


def _place(entry: tuple[str, MachineInputs]) -> tuple[str, Key]:
    name, machine = entry
    return machine["role"], natural(name)
