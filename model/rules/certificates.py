"""Rules for the lifetimes of a cluster's certificates."""

from collections.abc import Iterator

from model.config.durations import parse_seconds
from model.config.resolved_cluster import ResolvedCluster
from model.rules.issue import Issue, issue

# What must be shorter than the lifetime of CAs, and the problem if it is not.
PROBLEMS = {
    "leaves": "as long as the CA that issues them, or longer",
    "kubeletServing": "as long as the CA that issues them, or longer",
    "admin": "as long as the CA that issues it, or longer",
    "warnBefore": "every new CA would be reported",
}


def check_cluster(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield lifetimes that are not shorter than those of CAs."""
    lifetimes = cluster.settings.certificates.model_dump(by_alias=True)
    authorities = lifetimes["authorities"]
    for key, problem in PROBLEMS.items():
        if parse_seconds(lifetimes[key]) >= parse_seconds(authorities):
            yield issue(
                cluster.path_of("certificates", key),
                lifetimes[key],
                problem,
                allowed=f"less than certificates.authorities, which is {authorities}",
                example=f"certificates: {{{key}: 30d, authorities: 3650d}}",
                sources=(
                    *cluster.paths_of("certificates", key),
                    *cluster.paths_of("certificates", "authorities"),
                ),
            )
