"""Access to the internet: the proxy and the registry mirrors."""

import re
from base64 import b64decode
from typing import Annotated

from pydantic import Field

from model.config.addresses import DNS_NAME, check_host_port
from model.config.field import ScalarField
from model.config.secret_name import SecretName
from model.config.strict import Atomic, Strict


def _proxy(url: str) -> str:
    check_host_port(url.rstrip("/").partition("//")[2])
    return _mirror(url)


def _mirror(url: str) -> str:
    if "@" in url:
        raise ValueError("credentials in a URL would be stored and shown in plain text")
    return url.rstrip("/")


_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----\s([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


def _certificates(text: str) -> str:
    if _BLOCK.sub("", text).strip():
        raise ValueError("there is more in it than certificates")
    for content in _BLOCK.findall(text):
        b64decode("".join(content.split()), validate=True)
    return text


MirrorUrl = Annotated[
    str,
    ScalarField(
        "a base URL",
        "an http or https URL without user or password",
        "https://mirror.example.com",
        pattern=r"https?://[^\s?#]+",
        check=_mirror,
    ),
]
ProxyUrl = Annotated[
    str,
    ScalarField(
        "the URL of a proxy",
        "an http or https URL with host and port, without user or password",
        "http://proxy.example.com:3128",
        pattern=rf"https?://{DNS_NAME}:\d{{1,5}}/?",
        check=_proxy,
    ),
]
NoProxy = Annotated[
    str,
    ScalarField(
        "a host, a .domain, an address or a network",
        "a destination that bypasses the proxy: a host, a .domain, an address or a network",
        ".example.com",
        pattern=r"[A-Za-z0-9.:*_/-]+",
    ),
]
RegistryHost = Annotated[
    str,
    ScalarField(
        "a registry",
        "a registry host as in image references, with its port if they have one",
        "docker.io",
        pattern=rf"{DNS_NAME}(:\d{{1,5}})?",
    ),
]


class Proxy(Atomic):
    """The proxy through which machines fetch binaries, packages and images."""

    http: ProxyUrl | None = Field(None, description="The proxy for http URLs.")
    https: ProxyUrl | None = Field(None, description="The proxy for https URLs.")
    no_proxy: list[NoProxy] = Field(
        default_factory=list,
        description="Destinations that bypass the proxy, in addition to the machine itself, pods "
        "and Services.",
    )


Certificates = Annotated[
    str,
    ScalarField(
        "PEM certificates",
        "one or more certificates in PEM",
        "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ0E=\n-----END CERTIFICATE-----",
        check=_certificates,
    ),
]


class RegistryMirror(Atomic):
    """A mirror that containerd asks before the registry itself."""

    url: MirrorUrl = Field(
        description="Its URL. The API is at /v2 below the URL, unless the path contains /v2 itself."
    )
    ca: Certificates | None = Field(
        None,
        description="CA certificates that its TLS certificate is verified with, in addition to the "
        "machine's own.",
    )
    credentials: SecretName | None = Field(
        None,
        description="The name of the stack's secret config value with its user and password, "
        "as `user:password`.",
        examples=["mirrorLogin"],
    )


class OutboundAccess(Strict):
    """Proxy and registry mirrors."""

    proxy: Proxy | None = Field(
        None,
        description="The proxy to the internet; a cluster's replaces the fleet's, {} disables it.",
    )
    registry_mirrors: dict[RegistryHost, RegistryMirror] = Field(
        default_factory=dict,
        description="Mirrors that containerd tries first, by registry host; a cluster's entries "
        "override the fleet's.",
        examples=[{"docker.io": {"url": "https://mirror.example.com"}}],
    )
