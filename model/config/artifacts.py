"""The source of binaries and images."""

from typing import Annotated

from pydantic import Field

from model.config.field import one_of
from model.config.proxy_and_mirrors import MirrorUrl
from model.config.strict import Strict

SOURCES = ("bundle", "upstream")
SourceName = Annotated[str, one_of("source", SOURCES, "bundle")]


class Artifacts(Strict):
    """The source of binaries and images."""

    source: SourceName = Field(
        "bundle", description="bundle: sent from this host; upstream: downloaded by each host."
    )
    mirror: MirrorUrl | None = Field(
        None, description="The base URL of a mirror that replaces the upstream hosts."
    )
