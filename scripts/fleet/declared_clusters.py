"""The clusters that a stack's file declares."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ops.errors import OperatorError

if TYPE_CHECKING:
    from model.fleet import Cluster


def of_stack(stack: str) -> "Sequence[Cluster]":
    """Return the clusters of a stack's file; raise OperatorError."""
    from model.config.errors import ROOT, ConfigError
    from model.load import load
    from ops.pulumi import stack_file
    from ops.pulumi.workspace import open_workspace

    file = open_workspace(stack).tracked_config
    document = stack_file.read(file)
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict) or ROOT not in config:
        raise OperatorError(f"{file} has no config value {ROOT}: see docs/config.md")
    try:
        return load(config[ROOT]).clusters
    except ConfigError as error:
        raise OperatorError(str(error)) from None
