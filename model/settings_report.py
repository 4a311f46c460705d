"""The document that `fleet explain -o json` prints.

Its fields are those of the schema in docs/settings.schema.json.
"""

from typing import Any

from pydantic import Field

from model.report import ReportEntry


class ExplainedSetting(ReportEntry):
    """A setting that a cluster has, and where its value comes from."""

    path: str = Field(description="Its path within the cluster.")
    value: Any = Field(description="Its value; null if it has none.")
    layer: str = Field(
        description="What sets it: default, fleet, override, cluster, pool or machine."
    )
    config_path: str = Field(description="The config path of the value; empty for a default.")
    selector: str = Field(description="Of an override: the clusters that it is for, else empty.")
    file: str = Field(description="The stack's file; empty for a default.")
    line: int | None = Field(description="The line in that file; null for a default.")


class ExplainedCluster(ReportEntry):
    """The settings of a cluster, in the order of the reference."""

    cluster: str = Field(description="The cluster.")
    settings: tuple[ExplainedSetting, ...] = Field(
        description="The settings at or below the requested path."
    )
