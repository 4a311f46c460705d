"""Pools: the machines of one kind, by number or by name, with the settings of their Nodes."""

from typing import Annotated, Any

from pydantic import Field

from model.config.addresses import DNS_LABEL, label_hint
from model.config.field import ScalarField, between
from model.config.kubelet_fields import ENTRIES as KUBELET_FIELDS
from model.config.labels_and_taints import LabelValue, NodeLabelKey, TaintText
from model.config.machines import ContainerPool, ContainerSize, ExistingPool
from model.config.strict import Strict
from model.config.upgrades import MaxUnavailable

# The pool of workers that are in no pool of the config's own.
DEFAULT_POOL = "worker"


def _acknowledgement(text: str) -> str:
    if not text.isprintable() or text.strip() != text or len(text) > 200:
        raise ValueError("not a reason")
    return text


Count = Annotated[
    int,
    # Kubernetes is tested up to 5,000 Nodes: https://kubernetes.io/docs/setup/best-practices/cluster-large/
    ScalarField(
        "a number of machines", "a whole number from 0 to 5000", 3, (int,), check=between(0, 5000)
    ),
]
Acknowledgement = Annotated[
    str,
    ScalarField(
        "a reason",
        "one line of at most 200 characters: why the cluster's data may be lost",
        "OPS-123: the staging cluster is recreated",
        check=_acknowledgement,
    ),
]
SnapshotPath = Annotated[
    str,
    ScalarField(
        "an absolute path",
        "the absolute path of a file on the host that runs Pulumi",
        "/var/backups/cluster1.db",
        pattern=r"/[^\x00-\x1f]*",
    ),
]
PoolName = Annotated[
    str,
    ScalarField(
        "the name of a pool",
        "at most 63 of a-z, 0-9 and -, starting and ending with a letter or digit",
        "general",
        pattern=DNS_LABEL,
        hint=label_hint,
    ),
]


class Pool(ContainerSize, ExistingPool):
    """Machines with the same settings."""

    count: Count | None = Field(None, description="The number of machines; optional with `hosts`.")
    labels: dict[NodeLabelKey, LabelValue] = Field(
        default_factory=dict,
        description="Labels of the machines' Nodes.",
        examples=[{"disk": "ssd"}],
    )
    taints: list[TaintText] | None = Field(
        None, description="Taints of the machines' Nodes; control planes have kubeadm's by default."
    )


class ControlPlanes(Pool):
    """The machines that run the API."""

    accept_data_loss: Acknowledgement = Field(
        "", description="Why a cluster may be recreated although it loses its data; empty: never."
    )
    restore: SnapshotPath | None = Field(
        None,
        description="An etcd snapshot (`fleet backup fetch`) on the host that runs Pulumi, to "
        "restore a cluster that lost its only control plane; newer changes are lost.",
    )


class WorkerSettings(Pool):
    """Workers, and what their machines have in addition to the cluster's settings."""

    kubelet: Annotated[dict[str, Any], KUBELET_FIELDS] = Field(
        default_factory=dict,
        description="Fields of KubeletConfiguration for these machines; they override the "
        "cluster's.",
        examples=[{"maxPods": 200}],
    )


class PoolUpgrades(Strict):
    """The rollout speed within a pool."""

    max_unavailable: MaxUnavailable | None = Field(
        None,
        description="Workers of the pool updated at the same time, in addition to those of other "
        "pools: a number or a percentage (default: the pool shares the cluster's limit).",
    )


class WorkerPool(WorkerSettings, ContainerPool):
    """A pool of workers; the settings beside `pools` are its defaults."""

    upgrades: PoolUpgrades = Field(
        default_factory=PoolUpgrades, description="The pool's own rollout speed."
    )


class Workers(WorkerSettings):
    """The machines that run only workloads: a number, hosts, or pools of either."""

    pools: dict[PoolName, WorkerPool] = Field(
        default_factory=dict,
        description="Pools of workers by name, instead of `count` and `hosts`; the other settings "
        "are defaults of the pools.",
        examples=[{"general": {"count": 3}}],
    )
