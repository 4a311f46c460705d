"""One machine of a cluster and its way into the cluster, in at most four resources.

1. the machine itself, created or enrolled by its driver;
2. `prepare`: container runtime, kubelet and kubeadm are in place; on a member an update only stages
   what its rollout then applies;
3. its membership: how it leaves the cluster (see providers/membership.py);
4. `join`: kubeadm joins it to the cluster, once (replaced with the machine), with a credential that
   is issued when the step is about to run.

Delete runs in reverse order: drain, delete the Node, clean up the machine, end it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components import inventory
from components.drivers import Driver
from components.pki import Pki
from components.providers.etcd_snapshot import EtcdSnapshot, EtcdSnapshotArgs
from components.providers.initialization import Initialization
from components.providers.membership import Membership, MembershipArgs
from components.providers.step import Step
from components.sdk import value_of
from components.steps import Settings, step
from components.texts import files_of
from model.fleet import Cluster
from model.machine import CONTROL_PLANE
from model.machine import Machine as Described
from model.render import kubeadm, kubeadm_patches
from model.snapshot import Snapshot as DescribedSnapshot
from ops.rollout import documents

# A host's first boot may hold apt for 600 s (scripts/node/packages.sh).
PREPARE_SECONDS = 600 + 900
INIT_SECONDS = 600
JOIN_SECONDS = 600
# The cluster that a machine joins runs. Its API is unavailable while its only control plane
# restarts, and until a load balancer has noticed it.
ENDPOINT_SECONDS = 300


@dataclass(frozen=True)
class MachineArgs:
    """The configured machine, its cluster, the driver that provides it, and the cluster's PKI."""

    cluster: Cluster
    machine: Described
    driver: Driver
    pki: Pki


class Machine(pulumi.ComponentResource):
    """A machine that is a Node: `id` is new for every new machine behind the name.

    `inventory` is its entry in the stack's output; secret. `files` names its files for the rollout.
    """

    def __init__(
        self, name: str, args: MachineArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kubeadm-fleet:machine:Machine", name, None, opts)
        self._cluster = cluster = args.cluster
        self._machine = machine = args.machine
        self._pki = args.pki
        self.files = files_of(cluster, machine)
        self._placed = args.driver.provision(
            machine, self.files, pulumi.ResourceOptions(parent=self, protect=cluster.protect)
        )
        self.name = machine.name
        self.id = self._placed.id
        self.login = self._placed.login
        self.inventory = inventory.entry(machine, cluster.driver, self.login)

    def prepare(self, after: Sequence[pulumi.Resource]) -> None:
        """Prepare the machine for kubeadm, once `after` is done."""
        machine = self._machine
        self.prepared = self._step(
            f"{machine.name}-prepare",
            "prepare",
            {
                **self._identity,
                "NODE_ADDRESS": machine.address,
                "ROLE": machine.role,
                **self._vip_settings,
                "KUBERNETES_VERSION": value_of(self._placed.kubernetes_version),
                **{key: value_of(value) for key, value in self._placed.settings.items()},
            },
            deadline_seconds=PREPARE_SECONDS,
            once=False,
            opts=self._child(depends_on=after, deleted_with=self._placed.resource),
        )

    def initialize(
        self,
        initialization: Initialization,
        settings: Settings,
        others: Sequence[str],
        opts: pulumi.ResourceOptions,
    ) -> Step:
        """Initialize the cluster on this machine; `others` are the other control planes' addresses.

        Runs once for every initialization.
        """
        looking = {**self._member_settings, "OTHER_CONTROL_PLANES": " ".join(others)}
        snapshot = self._cluster.snapshot
        sent = self._send(snapshot, looking, opts) if snapshot else None
        return self._step(
            f"{self._cluster.name}-init",
            "init",
            {
                **looking,
                "CLUSTER_DOCUMENTS": kubeadm.cluster_documents(self._cluster),
                **_document_names(self._cluster, self._machine),
                **({"SNAPSHOT": snapshot.sha256} if snapshot else {}),
                "SERVING_PAIR": self._pki.serving_pair(self._machine, after=self.prepared.id),
                **settings,
            },
            trigger=initialization.id,
            deadline_seconds=INIT_SECONDS,
            once=True,
            opts=pulumi.ResourceOptions.merge(
                opts,
                pulumi.ResourceOptions(depends_on=[self.prepared, *([sent] if sent else [])]),
            ),
        )

    def _send(
        self, snapshot: DescribedSnapshot, settings: Settings, opts: pulumi.ResourceOptions
    ) -> EtcdSnapshot:
        """Send the snapshot to this machine if the cluster is to be initialized here."""
        return EtcdSnapshot(
            f"{self._cluster.name}-snapshot",
            EtcdSnapshotArgs(
                path=snapshot.path,
                sha256=snapshot.sha256,
                machine=self.name,
                machine_id=self.id,
                login=self.login.to_props(),
                settings=settings,
            ),
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[self.prepared])),
        )

    def join(self, script: str, settings: Settings, after: list[pulumi.Resource]) -> None:
        """Join the machine to its cluster with `script`, once `after` is done.

        The membership waits for `after` as well, since replacing it removes a former machine of
        this name.
        """
        cluster, machine, pki = self._cluster, self._machine, self._pki
        membership = Membership(
            f"{machine.name}-membership",
            MembershipArgs(
                cluster=cluster.name,
                node=machine.name,
                role=machine.role,
                pool=machine.pool,
                address=machine.address,
                peers=[peer.name for peer in _peers(cluster, machine)],
                machine_id=self.id,
                identity=value_of(pki.identity),
                drain_seconds=cluster.upgrade.drain_seconds,
                force=cluster.upgrade.force,
            ),
            self._child(depends_on=[self.prepared, *after], deleted_with=pki.cluster),
        )
        # The credential is valid for minutes: it is issued when everything that the step waits for
        # is known, such as an initialization, which may take longer.
        begins = pulumi.Output.all(membership.id, *settings.values())
        self.joined = self._step(
            f"{machine.name}-join",
            script,
            {
                **self._member_settings,
                "ENDPOINT_DEADLINE": str(ENDPOINT_SECONDS),
                "JOIN_CREDENTIAL": pki.join_credential(machine.name, after=begins),
                "SERVING_PAIR": pki.serving_pair(machine, after=begins),
                "JOIN_DOCUMENTS": kubeadm.join_documents(cluster, machine),
                **_document_names(cluster, machine),
                **settings,
            },
            deadline_seconds=ENDPOINT_SECONDS + JOIN_SECONDS,
            once=True,
            opts=self._child(depends_on=[membership, *after]),
        )
        self.register_outputs({"id": self.id})

    def _step(
        self,
        name: str,
        script: str,
        settings: Settings,
        *,
        trigger: pulumi.Input[str] | None = None,
        deadline_seconds: int,
        once: bool,
        opts: pulumi.ResourceOptions,
    ) -> Step:
        """Run a script on this machine: again on its successor, or for another trigger."""
        return step(
            name,
            script,
            machine=self.name,
            trigger=self.id if trigger is None else trigger,
            login=self.login,
            settings=settings,
            deadline_seconds=deadline_seconds,
            once=once,
            opts=opts,
        )

    @property
    def _identity(self) -> Settings:
        """Return what every step verifies before it changes anything."""
        # A step depends on the machine by its trigger.
        return {"NODE_NAME": self._machine.name, "MACHINE_ID": value_of(self.id)}

    @property
    def _member_settings(self) -> Settings:
        return {
            **self._identity,
            "NODE_ADDRESS": self._machine.address,
            "ENDPOINT": self._cluster.endpoint,
            "CA_CERTIFICATE": value_of(self._pki.cluster.bundle),
            "MEMBERSHIP": value_of(pulumi.Output.concat(self._pki.cluster.id, " ", self.id)),
        }

    @property
    def _vip_settings(self) -> Settings:
        """Return a control plane's settings for the cluster's virtual address, if there is one.

        The CA certificate lets it distinguish its own cluster from a foreign one at that address.
        """
        cluster, machine = self._cluster, self._machine
        if cluster.vip is None or machine.role != CONTROL_PLANE:
            return {}
        return {
            "CA_CERTIFICATE": self._pki.cluster.bundle,
            "VIP": str(cluster.vip.address),
            "VIP_PORT": str(cluster.vip.port),
            "PEERS": " ".join(peer.address for peer in _peers(cluster, machine)),
        }

    def _child(self, **options: object) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, **options)  # type: ignore[arg-type]


def _document_names(cluster: Cluster, machine: Described) -> Settings:
    """Return the digests of a machine's documents, as its rollout has them (ops/rollout)."""
    shared = kubeadm.kubelet_configuration(cluster)
    own = json.dumps(machine.kubelet, sort_keys=True) if machine.kubelet else ""
    return {
        "CONTROL": documents.control_digest(
            kubeadm.cluster_configuration(cluster), kubeadm_patches.digest()
        ),
        "SHARED_KUBELET": documents.digest(shared),
        "KUBELET": documents.digest(documents.overridden(shared, own)),
    }


def _peers(cluster: Cluster, machine: Described) -> list[Described]:
    """Return the other control planes of a control plane's cluster."""
    if machine.role != CONTROL_PLANE:
        return []
    return [other for other in cluster.control_planes if other is not machine]
