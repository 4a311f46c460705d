"""What fails for the pods of each cluster: DNS, the probes, and connections between Nodes."""

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.fleet.kubeconfig import read_clusters


def read_pod_problems(kubeconfigs: Sequence[Path], clusters: Collection[str]) -> list[str]:
    """Ask these clusters in parallel; their kubeconfigs are those of a stack."""
    pairs = [pair for path in kubeconfigs for pair in read_clusters(path).items()]
    found = [(cluster, text) for cluster, text in pairs if cluster in clusters]
    with ThreadPoolExecutor(max_workers=16) as pool:
        return [line for lines in pool.map(lambda pair: list(_of(*pair)), found) for line in lines]


def _of(cluster: str, kubeconfig: str) -> Iterator[str]:
    from ops.kube.client import Client
    from ops.kube.cluster_health import pod_problems

    for problem in pod_problems(Client(kubeconfig)):
        yield f"{cluster}: {problem}"
