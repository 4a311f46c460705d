"""The Kubernetes objects of every cluster other than its pod network."""

from model.api_objects import Json
from model.fleet import Cluster
from model.render import objects


def probe(cluster: Cluster) -> str:
    """Return the objects of the network probe as YAML documents."""
    return objects.dump(probe_objects(cluster))


def probe_objects(cluster: Cluster) -> list[Json]:
    """Return the objects of the network probe."""
    documents = objects.read("baseline/probe")
    domain = f"svc.{cluster.dns_domain}"
    names = {
        "SERVICE": f"kubernetes.default.{domain}",
        "PEERS": f"kubeadm-fleet-probe.kube-system.{domain}",
    }
    objects.set_environment(documents, names)
    if cluster.enforces_policies:
        documents += objects.read("baseline/probe-policy")
    return documents


def dns() -> str:
    """Return the objects that keep CoreDNS available during drains, as YAML documents."""
    return objects.dump(objects.read("baseline/dns"))


def drain(cluster: Cluster) -> str:
    """Return the drain policy for machines that leave the cluster, as YAML documents."""
    (policy,) = objects.read("baseline/drain")
    policy["data"] = {
        "seconds": str(cluster.upgrade.drain_seconds),
        "force": str(cluster.upgrade.force).lower(),
    }
    return objects.dump([policy])
