"""The proxy and registry mirrors of a cluster's machines."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# Honoured by curl, apt and Go programs alike; curl reads http_proxy in lower case only.
# https://everything.curl.dev/usingcurl/proxies/env.html
HTTP, HTTPS, NONE = "http_proxy", "https_proxy", "no_proxy"
# Every name of a proxy's variables; Go programs prefer those in upper case. Services of a machine
# unset them: somebody may have given systemd a proxy for all services (DefaultEnvironment=), and it
# is not for traffic inside of a cluster.
VARIABLES = tuple(
    variable for name in (HTTP, HTTPS, NONE, "all_proxy") for variable in (name, name.upper())
)


@dataclass(frozen=True)
class Mirror:
    """A mirror of a registry: its URL, and certificates (PEM) that it is verified with.

    `credentials` is the name of the config secret with its user and password.
    """

    url: str
    ca: str | None = None
    credentials: str | None = None


@dataclass(frozen=True)
class Outbound:
    """Proxy URLs (or None), destinations without proxy, and mirrors by registry host."""

    http: str | None = None
    https: str | None = None
    no_proxy: tuple[str, ...] = ()
    mirrors: Mapping[str, Mirror] = field(default_factory=dict)

    @property
    def environment(self) -> str:
        """The proxy as NAME=value lines; empty without a proxy."""
        proxies = {HTTP: self.http, HTTPS: self.https}
        lines = [f"{name}={url}\n" for name, url in proxies.items() if url]
        return "".join([*lines, f"{NONE}={','.join(self.no_proxy)}\n"]) if lines else ""
