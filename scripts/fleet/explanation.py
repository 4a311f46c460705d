"""The settings in force for a cluster, as a table that says where each value comes from."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from model.config.errors import ROOT, ConfigError, dotted
from model.config.merged_settings import Setting
from model.config.resolved_cluster import ResolvedCluster
from model.load import resolve
from ops.errors import OperatorError
from ops.pulumi.stack_file import StackFileError, read

COLUMNS = ("PATH", "VALUE", "FROM")
DEFAULT = "default"
NO_VALUE = "-"


def clusters_of(stack_file: Path) -> dict[str, ResolvedCluster]:
    """Return the clusters of a stack file by name."""
    document = read(stack_file)
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict) or ROOT not in config:
        raise StackFileError(f"{stack_file} has no config value {ROOT}: see docs/config.md")
    try:
        return {cluster.name: cluster for cluster in resolve(config[ROOT])}
    except ConfigError as error:
        raise OperatorError(str(error)) from None


def explain(clusters: Mapping[str, ResolvedCluster], cluster: str, prefix: str = "") -> str:
    """Return a table with a row for each setting of the cluster at or below the path `prefix`."""
    if cluster not in clusters:
        raise OperatorError(f"no cluster {cluster}; the stack's clusters: {', '.join(clusters)}")
    settings = {relative(setting): setting for setting in clusters[cluster].explain()}
    shown = [path for path in settings if not prefix or _is_below(path, prefix)]
    if not shown:
        nearest = difflib.get_close_matches(prefix, settings, n=1)
        hint = f"did you mean {nearest[0]}? " if nearest else ""
        raise OperatorError(
            f"{prefix} is not set for {cluster} and has no default: {hint}"
            f"`fleet explain {cluster}` lists its settings, docs/config.md all keys"
        )
    return _table([(path, written(settings[path].value), origin(settings[path])) for path in shown])


def relative(setting: Setting) -> str:
    """Return the path of a setting within its cluster, such as `workers.hosts.rack1-a.port`."""
    return dotted(setting.path).removeprefix(f"{ROOT}.")


def origin(setting: Setting) -> str:
    """Return the config path of the value, as `pulumi config set --path` takes it."""
    return DEFAULT if setting.origin is None else dotted(setting.origin)


def written(value: object) -> str:
    """Return a value as YAML on one line."""
    if value is None or value == {}:
        return NO_VALUE
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) or '""'


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith((f"{prefix}.", f"{prefix}["))


def _table(rows: Sequence[tuple[str, str, str]]) -> str:
    """Return the rows below their heads; no row is folded, as in kubectl's tables."""
    lines = [COLUMNS, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(2)]
    return "".join(
        f"{path:<{widths[0]}}  {value:<{widths[1]}}  {where}\n" for path, value, where in lines
    )
