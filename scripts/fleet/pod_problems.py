"""What fails for the pods of each cluster: DNS, the probes, and connections between Nodes."""

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.fleet.kubeconfig import split


def read_pod_problems(kubeconfigs: Sequence[Path], clusters: Collection[str]) -> list[str]:
    """Ask these clusters in parallel; their kubeconfigs are those of a stack."""
    texts = [path.read_text(encoding="utf-8") for path in kubeconfigs]
    found = [pair for text in texts for pair in split(text).items() if pair[0] in clusters]
    with ThreadPoolExecutor(max_workers=16) as pool:
        return [line for lines in pool.map(lambda pair: list(_of(*pair)), found) for line in lines]


def _of(cluster: str, kubeconfig: str) -> Iterator[str]:
    from ops.kube.client import Client
    from ops.kube.cluster_health import pod_problems

    for problem in pod_problems(Client(kubeconfig)):
        yield f"{cluster}: {problem}"
