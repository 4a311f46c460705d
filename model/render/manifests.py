"""The Kubernetes objects that every cluster gets besides its pod network, for one cluster."""

from model.fleet import Cluster
from model.render import objects


def probe(cluster: Cluster) -> str:
    """Return the objects of the network probe as YAML documents."""
    documents = objects.read("baseline/probe")
    domain = f"svc.{cluster.dns_domain}"
    names = {
        "SERVICE": f"kubernetes.default.{domain}",
        "PEERS": f"kubeadm-fleet-probe.kube-system.{domain}",
    }
    objects.set_environment(documents, names)
    return objects.dump(documents)


def dns() -> str:
    """Return what keeps CoreDNS answering while machines are drained, as YAML documents."""
    return objects.dump(objects.read("baseline/dns"))


def drain(cluster: Cluster) -> str:
    """Return how machines that leave the cluster are drained, as YAML documents."""
    (policy,) = objects.read("baseline/drain")
    policy["data"] = {
        "seconds": str(cluster.upgrade.drain_seconds),
        "force": str(cluster.upgrade.force).lower(),
    }
    return objects.dump([policy])
