"""Rules for issuers of tokens: what API servers would refuse, and what would be ambiguous."""

import ssl
from collections.abc import Iterator

from model.config.authentication import Issuer
from model.config.errors import Path
from model.config.resolved_cluster import ResolvedCluster
from model.rules.issue import Issue, issue

# API servers accept no more.
MOST_ISSUERS = 64
# Keys whose values differ between the issuers of a cluster.
UNIQUE = {"name": "corporate", "url": "https://login.example.com", "discoveryURL": "https://..."}


def check_cluster(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield the issues of one cluster's issuers."""
    issuers = cluster.settings.authentication.issuers
    if len(issuers) > MOST_ISSUERS:
        yield issue(
            cluster.path_of("authentication", "issuers"),
            None,
            f"{len(issuers)} issuers",
            allowed=f"at most {MOST_ISSUERS} issuers, the limit of API servers",
            example="issuers: [...]",
        )
    for index, issuer in enumerate(issuers):
        path = cluster.path_of("authentication", "issuers", index)
        yield from _audiences(issuer, path)
        yield from _authority(issuer, path)
        yield from _urls(cluster, issuer, path)
        yield from _duplicates(issuers[:index], issuer, path)


def _audiences(issuer: Issuer, path: Path) -> Iterator[Issue]:
    if not issuer.audiences or len(set(issuer.audiences)) < len(issuer.audiences):
        yield issue(
            (*path, "audiences"),
            issuer.audiences,
            "an audience listed twice" if issuer.audiences else "no audience",
            allowed="at least one audience, each once",
            example="audiences: [kubernetes]",
        )


def _authority(issuer: Issuer, path: Path) -> Iterator[Issue]:
    """Yield what an API server would not start with."""
    if issuer.certificate_authority is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
            cadata=issuer.certificate_authority
        )
    except (ssl.SSLError, ValueError):
        yield issue(
            (*path, "certificateAuthority"),
            issuer.certificate_authority,
            "not certificates",
            allowed="one or more certificates in PEM",
            example="certificateAuthority: |",
        )


def _urls(cluster: ResolvedCluster, issuer: Issuer, path: Path) -> Iterator[Issue]:
    own = f"https://kubernetes.default.svc.{cluster.settings.networking.dns_domain}"
    if issuer.url == own:
        yield issue(
            (*path, "url"),
            issuer.url,
            "the cluster's own issuer, of tokens of service accounts",
            allowed="another issuer",
            example="url: https://login.example.com",
            sources=cluster.paths_of("networking", "dnsDomain"),
        )
    if issuer.discovery_url and issuer.discovery_url.rstrip("/") == issuer.url.rstrip("/"):
        yield issue(
            (*path, "discoveryURL"),
            issuer.discovery_url,
            "the same as the issuer's URL",
            allowed="the complete URL of its discovery document, or no such key",
            example="discoveryURL: https://login.example.com/.well-known/openid-configuration",
        )


def _duplicates(before: list[Issuer], issuer: Issuer, path: Path) -> Iterator[Issue]:
    given = issuer.model_dump(by_alias=True)
    others = [other.model_dump(by_alias=True) for other in before]
    for key, example in UNIQUE.items():
        if given[key] is not None and given[key] in [other[key] for other in others]:
            yield issue(
                (*path, key),
                given[key],
                "another issuer of the cluster has it, too",
                allowed=f"a {key} of its own",
                example=f"{key}: {example}",
            )
