"""How a cluster's rollouts proceed: how many machines at a time, how long drains may take."""

from model.config.defaults import EffectiveWorkerPool
from model.config.durations import parse_seconds
from model.config.resolved_cluster import ResolvedCluster
from model.config.resolved_pool import ResolvedPool
from model.config.upgrades import parse_percent
from model.fleet import Upgrade
from model.rules import waves


def of(cluster: ResolvedCluster) -> Upgrade:
    """Return the rollout settings; percentages are of the workers that share the limit."""
    settings = cluster.settings.upgrades
    own = {
        pool.name: _limit(limit, pool.size)
        for pool in cluster.worker_pools
        if (limit := _own_limit(pool)) is not None
    }
    sharing = sum(pool.size for pool in cluster.worker_pools if pool.name not in own)
    return Upgrade(
        max_unavailable=_limit(settings.max_unavailable, sharing),
        pool_limits=own,
        drain_seconds=parse_seconds(settings.drain_timeout),
        force=settings.force,
        wave=waves.wave_of(cluster),
        soak_seconds=parse_seconds(settings.soak),
        security_updates=settings.security_updates,
    )


def _own_limit(pool: ResolvedPool) -> int | str | None:
    settings = pool.settings
    return settings.upgrades.max_unavailable if isinstance(settings, EffectiveWorkerPool) else None


def _limit(written: int | str, workers: int) -> int:
    """Return how many of the workers may be unavailable; round down, as for Deployments."""
    percent = parse_percent(written)
    return int(written) if percent is None else max(1, workers * percent // 100)
