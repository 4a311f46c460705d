"""How a cluster's rollouts proceed: how many machines at a time, how long drains may take."""

from model.config.resolved_cluster import ResolvedCluster
from model.config.upgrades import parse_percent, parse_seconds
from model.fleet import WORKER, Upgrade
from model.rules import waves


def of(cluster: ResolvedCluster) -> Upgrade:
    """Return the rollout settings; percentages of workers round down, as for Deployments."""
    settings = cluster.settings.upgrades
    percent = parse_percent(settings.max_unavailable)
    return Upgrade(
        max_unavailable=int(settings.max_unavailable)
        if percent is None
        else max(1, cluster.size(WORKER) * percent // 100),
        drain_seconds=parse_seconds(settings.drain_timeout),
        force=settings.force,
        wave=waves.wave_of(cluster),
        soak_seconds=parse_seconds(settings.soak),
    )
