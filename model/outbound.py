"""What lies between the machines and the internet: a proxy, and mirrors of registries.

Both end as lines that scripts/node/proxy.sh reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

# What curl, apt and Go's programs all read; curl reads http_proxy in lower case only.
# https://everything.curl.dev/usingcurl/proxies/env.html
HTTP, HTTPS, NONE = "http_proxy", "https_proxy", "no_proxy"


@dataclass(frozen=True)
class Outbound:
    """URLs of proxies, or None; what is reached without; registries' hosts and their mirrors."""

    http: str | None = None
    https: str | None = None
    no_proxy: tuple[str, ...] = ()
    mirrors: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> str:
        """The proxy as lines of NAME=value; empty where there is none."""
        proxies = {HTTP: self.http, HTTPS: self.https}
        lines = [f"{name}={url}\n" for name, url in proxies.items() if url]
        return "".join([*lines, f"{NONE}={','.join(self.no_proxy)}\n"]) if lines else ""

    @property
    def mirror_table(self) -> str:
        """The mirrors as lines of a registry's host, a tab and a URL."""
        return "".join(f"{host}\t{url}\n" for host, url in sorted(self.mirrors.items()))
