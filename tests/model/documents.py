"""Every document that the model renders, by the name of its golden file.

`python -m tests.model.documents` rewrites the golden files; read the difference before keeping
it.
"""

from collections.abc import Iterable
from pathlib import Path

from model.cni import plugins
from model.load import load
from model.render import (
    drift,
    image_policy,
    kubeadm,
    kubeconfig,
    manifests,
    metrics_server,
    namespaces,
    renewal,
)
from model.render.machine_files import COMMON_FILES, ManagedFile, machine_files
from tests.model.examples import CONTAINER, EXISTING, OUTBOUND, SETTINGS, changed

GOLDEN = Path(__file__).parent / "golden"
SCRIPTS = {renewal.SCRIPT: "renewal", drift.SCRIPT: "drift_report"}


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
        documents[f"{name}-cluster.yaml"] = kubeadm.cluster_documents(cluster)
        documents[f"{name}-join-control-plane.yaml"] = kubeadm.join_documents(cluster, last)
        documents[f"{name}-join-worker.yaml"] = kubeadm.join_documents(cluster, worker)
        documents[f"{name}-control-plane-files.txt"] = _shown(machine_files(cluster, first))
    documents["common-files.txt"] = "".join(map(_text, COMMON_FILES))
    outbound = load(OUTBOUND).clusters[0]
    documents["outbound-worker-files.txt"] = _shown(machine_files(outbound, outbound.workers[0]))
    # What differs from the defaults shows in the cluster that has none of them.
    settings = load(SETTINGS).clusters[0]
    described = load(fleets["three-control-planes"]).clusters[0]
    documents["pod-network.yaml"] = plugins.pod_network(described)
    documents["probe.yaml"] = manifests.probe(described)
    documents["pod-network-calico.yaml"] = plugins.pod_network(settings)
    documents["dns.yaml"] = manifests.dns()
    documents["metrics-server.yaml"] = metrics_server.metrics_server(described)
    limited = load(SETTINGS).clusters[0]
    documents["namespaces.yaml"] = namespaces.namespaces(limited)
    documents["images.yaml"] = image_policy.image_policy(limited)
    contexts = [
        kubeconfig.Context(name, f"https://api.{name}.example.com:6443", "CA", "CERT", "KEY")
        for name in ("tokyo", "osaka")
    ]
    documents["kubeconfig.yaml"] = kubeconfig.render(contexts)
    return documents


def _shown(files: Iterable[ManagedFile]) -> str:
    """Show a machine's files, without those that every machine has."""
    return "".join(_text(file) for file in files if file not in COMMON_FILES)


def _text(file: ManagedFile) -> str:
    content = file.content
    if name := SCRIPTS.get(file.path):
        # Its code is that of scripts/node/.
        settings = content.split("\n#", maxsplit=1)[0].partition("\n")[2]
        content = f"{settings}\n[scripts/node/{name}.sh and what it requires]\n"
    return f"==> {file.path} (mode {file.mode:04o}, part {file.part})\n{content}"


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
