"""Every document that the model renders, by the name of its golden file.

`python -m tests.model.documents` rewrites the golden files; read the difference before keeping
it.
"""

from pathlib import Path

from model.cni import registry
from model.load import load
from model.pki.certificates import KeyPair
from model.render import kubeadm, kubeconfig, load_balancer, manifests
from tests.model.examples import CONTAINER, EXISTING, SETTINGS, changed

GOLDEN = Path(__file__).parent / "golden"


def rendered() -> dict[str, str]:
    """Render everything, each for the smallest example that shows it."""
    fleets = {
        "one-control-plane": CONTAINER,
        "three-control-planes": changed(
            CONTAINER,
            ("clusters/cluster1/controlPlanes/count", 3),
            ("clusters/cluster1/endpoint", {"vip": "10.89.1.100:8443"}),
            ("clusters/cluster1/kubernetesVersion", "v1.37.2"),
            ("clusters/cluster1/networking", {
                "podSubnet": "10.32.0.0/16",
                "serviceSubnet": "10.33.0.0/20",
                "dnsDomain": "tokyo.example.com",
            }),
        ),
        "existing": EXISTING,
        "settings": SETTINGS,
    }  # fmt: skip
    documents = {}
    for name, config in fleets.items():
        cluster = load(config).clusters[0]
        first, last, worker = (
            cluster.control_planes[0],
            cluster.control_planes[-1],
            cluster.workers[-1],
        )
        documents[f"{name}-init.yaml"] = kubeadm.init_documents(cluster, first)
        documents[f"{name}-join-control-plane.yaml"] = kubeadm.join_documents(cluster, last)
        documents[f"{name}-join-worker.yaml"] = kubeadm.join_documents(cluster, worker)
        if cluster.vip:
            documents[f"{name}-haproxy.cfg"] = load_balancer.haproxy(cluster, cluster.vip)
            documents[f"{name}-keepalived.conf"] = load_balancer.keepalived(
                cluster, cluster.vip, first
            )
    # What differs from the defaults shows in the cluster that has none of them.
    described = load(fleets["three-control-planes"]).clusters[0]
    documents["pod-network.yaml"] = registry.pod_network(described)
    documents["probe.yaml"] = manifests.probe(described)
    documents["dns.yaml"] = manifests.dns()
    contexts = [
        kubeconfig.Context(name, f"https://api.{name}.example.com:6443", "CA", "CERT", "KEY")
        for name in ("tokyo", "osaka")
    ]
    documents["kubeconfig.yaml"] = kubeconfig.render(contexts)
    documents["discovery.yaml"] = kubeconfig.discovery(
        "tokyo", "https://api.tokyo.example.com:6443", "CA", KeyPair("CERT", "KEY")
    )
    return documents


def main() -> None:
    """Write the golden files, and none besides."""
    documents = rendered()
    for path in GOLDEN.iterdir():
        if path.name not in documents:
            path.unlink()
    for name, text in documents.items():
        (GOLDEN / name).write_text(text)


if __name__ == "__main__":
    main()
