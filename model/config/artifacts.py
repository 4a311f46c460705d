"""The source of binaries and images."""

from typing import Annotated

from pydantic import Field

from model.config.field import ScalarField, one_of
from model.config.proxy_and_mirrors import MirrorUrl
from model.config.strict import Strict

SOURCES = ("bundle", "upstream")
SourceName = Annotated[str, one_of("source", SOURCES, "bundle")]
FileAddress = Annotated[
    str,
    ScalarField(
        "a file's address",
        "the address of a file on its project's own site, without https://",
        "dl.k8s.io/release/v1.36.3/bin/linux/amd64/kubelet",
        pattern=r"[a-z0-9.-]+/[\w./+-]+",
    ),
]
Sha256 = Annotated[
    str,
    ScalarField(
        "a sha256 checksum",
        "64 hexadecimal digits",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        pattern=r"[0-9a-f]{64}",
    ),
]


class Artifacts(Strict):
    """The source of binaries and images."""

    source: SourceName = Field(
        "bundle", description="bundle: sent from this host; upstream: downloaded by each host."
    )
    mirror: MirrorUrl | None = Field(
        None,
        description="The base URL of a mirror that replaces the upstream hosts. Its files are "
        "verified with `sums`.",
    )
    sums: dict[FileAddress, Sha256] = Field(
        default_factory=dict,
        description="The checksum of each file that a mirror serves, which cannot vouch for "
        "itself. `fleet build sums` prints those that the projects publish.",
    )
