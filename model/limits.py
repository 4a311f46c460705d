"""How many workers may be unavailable at a time, in a cluster and in pools with a limit."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# The group of all workers that share the cluster's limit.
SHARED = ""


@dataclass(frozen=True)
class Limits:
    """The limit that workers share, and those of `pools` with a limit of their own."""

    shared: int
    pools: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, shared: float, pools: Mapping[str, float]) -> "Limits":
        """Read the rollout's inputs; the engine's numbers are fractions."""
        return cls(int(shared), {pool: int(limit) for pool, limit in pools.items()})

    def group(self, pool: str) -> str:
        """Return the group of a pool's workers: the pool, or all that share the limit."""
        return pool if pool in self.pools else SHARED

    def of(self, group: str) -> int:
        """Return the limit of a group."""
        return self.pools.get(group, self.shared)
