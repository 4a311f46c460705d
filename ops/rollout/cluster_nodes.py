"""The cluster as used by a rollout: its Nodes, their drains, and what it records of itself.

This is the only place where a rollout uses `ops.kube`'s clients.
"""

from collections.abc import Callable, Mapping
from copy import copy
from hashlib import sha256

import yaml

from model.api_objects import Json
from model.pki import client_authorities
from ops.kube import (
    account_tokens,
    etcd_space,
    losses,
    published_authorities,
    retirement,
    returning,
    stored_secrets,
    trust_holders,
)
from ops.kube.apply import FIELD_MANAGER
from ops.kube.client import APPLY, Client, unless_missing
from ops.kube.nodes import SYSTEM, Nodes
from ops.kube.returning import RunningPod
from ops.kube.trust_holders import Holders, Restart, Workload
from ops.rollout.documents import VERSION
from ops.rollout.observed import ObservedCluster
from ops.rollout.record import NAME, RolloutRecord

KUBEADM_CONFIG = f"{SYSTEM}/configmaps/kubeadm-config"
RECORD = f"{SYSTEM}/configmaps/{NAME}"
# The digest of the document in one of kubeadm's ConfigMaps, and the checksum of its text there
# (scripts/node/joined.sh).
DOCUMENT, CHECKSUM = "kubeadm-fleet/document", "kubeadm-fleet/checksum"
CLUSTER_KEY, KUBELET_KEY = "ClusterConfiguration", "kubelet"


class ClusterNodes(Nodes):
    """The Nodes of one cluster, drained according to its policy."""

    def __init__(self, client: Client, *, drain_seconds: float, force: bool) -> None:
        super().__init__(client)
        self._drain_seconds = drain_seconds
        self._force = force

    def drain(self, name: str, report: Callable[[str], None]) -> str:
        """Drain a cordoned Node; return the pods that stay and why, "" if there are none.

        `report` gets a line when the drain continues beyond its deadline.
        """
        return retirement.drain(
            self,
            name,
            deadline_seconds=self._drain_seconds,
            force=self._force,
            report=report,
        )

    def ready_pods(self, name: str) -> dict[str, RunningPod]:
        """Return the Node's pods that are Ready, by UID."""
        return self.client.retry(
            f"listing the pods on Node {name}", lambda: returning.ready_pods(self.client, name)
        )

    def missing_pods(self, name: str, before: Mapping[str, RunningPod]) -> list[str]:
        """Return which of these pods are not Ready again; raises ApiError without retrying."""
        return returning.missing_pods(self._quick, name, before)

    def losses(self, leaving: Mapping[str, bool]) -> dict[str, str]:
        """Describe what the drains of these Nodes delete; `leaving` as in losses.py."""
        return losses.of_drains(self.client, leaving)

    def reject_etcd_alarm(self, cluster: str) -> None:
        """Raise OperatorError if etcd accepts no writes."""
        etcd_space.reject_alarm(self.client, cluster)

    def observe_cluster(self) -> ObservedCluster:
        """Return what the cluster records of itself."""
        cluster, kubelet = map(self._config_map, ("kubeadm-config", "kubelet-config"))
        published = self.client.retry(
            "reading the published CAs", lambda: published_authorities.read(self.client)
        )
        return ObservedCluster(
            version=_version(cluster),
            control=_document(cluster, CLUSTER_KEY),
            kubelet=_document(kubelet, KUBELET_KEY),
            unfinished=self.client.retry("reading the rollout's record", self.unfinished),
            clients=_digest(published, published_authorities.KEY),
            front_proxy=_digest(published, published_authorities.FRONT_PROXY_KEY),
            writer=self.client.retry(
                "reading what encrypts Secrets", lambda: stored_secrets.writer(self.client)
            ),
        )

    def limited(self, seconds: float) -> "ClusterNodes":
        """Return the same for requests that end after this time and are not repeated."""
        nodes = copy(self)
        nodes.client = nodes._quick = self.client.limited(retries=0, seconds=seconds)
        return nodes

    def unfinished(self) -> RolloutRecord | None:
        """Return the record of an unfinished rollout; raises ApiError without retrying."""
        found = self.client.find(RECORD)
        return RolloutRecord.of(found.get("data") or {}) if found else None

    def version_once(self) -> str:
        """Return the version of the cluster's own objects; raises ApiError without retrying."""
        return _version(self.client.get(KUBEADM_CONFIG))

    def write_record(self, data: Mapping[str, str]) -> None:
        """Write the record of the rollout that is under way."""
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": NAME, "namespace": "kube-system"},
            "data": dict(data),
        }
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        self.client.retry(
            "recording the rollout",
            lambda: self.client.patch(RECORD, body, kind=APPLY, **query),
        )

    def remove_record(self) -> None:
        """Remove the record: the rollout is done."""
        self.client.retry(
            "removing the rollout's record",
            lambda: unless_missing(lambda: self.client.delete(RECORD)),
        )

    def publish_authorities(self, clients: str, front_proxy: str) -> None:
        """Replace the CAs whose certificates aggregated API servers accept: clients' and ours."""
        texts = {
            published_authorities.KEY: f"{clients}\n",
            published_authorities.FRONT_PROXY_KEY: front_proxy,
        }
        published_authorities.replace(self.client, texts)

    def begin_encryption(self, by: str) -> None:
        """Record that `by` begins to encrypt Secrets."""
        stored_secrets.begin(self.client, by)

    def rewrite_secrets(self, by: str) -> int:
        """Have `by` encrypt all Secrets in etcd; return their number."""
        return stored_secrets.rewrite(self.client, by)

    def trust_holders(self) -> Holders:
        """Return what may know a former CA alone; raises ApiError."""
        return trust_holders.read(self.client)

    def own_workloads_before(self, moment: str) -> tuple[Workload, ...]:
        """Return our workloads with pods created before a moment (ISO 8601); raises ApiError."""
        return trust_holders.created_before(self.client, moment)

    def tokens_of_other_keys(self, key_id: str) -> list[str]:
        """Return the Secrets with tokens that another key signed; raises ApiError."""
        return account_tokens.of_other_keys(self.client, key_id)

    def restart(self, workload: Workload) -> Restart:
        """Begin to replace the pods of one of our workloads."""
        return trust_holders.restart(self.client, workload)

    def recorded_version(self) -> str:
        """Return the version of the cluster's own objects."""
        return str(yaml.safe_load(self.cluster_document())[VERSION])


def _digest(published: Mapping[str, str], key: str) -> str:
    """Return the digest of the CAs that are published with this key."""
    return client_authorities.digest_of_set(published.get(key, ""))


def _version(config_map: Json) -> str:
    return str(yaml.safe_load(config_map["data"][CLUSTER_KEY])[VERSION])


def _document(config_map: Json, key: str) -> str:
    """Return the digest of the document; "" if somebody else has written it since."""
    noted = config_map["metadata"].get("annotations", {})
    checksum = sha256(config_map["data"].get(key, "").encode()).hexdigest()
    return str(noted.get(DOCUMENT, "")) if noted.get(CHECKSUM) == checksum else ""
