"""The settings in force for a cluster, and where each value comes from."""

import difflib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from model.config import overrides
from model.config.errors import ROOT, ConfigError, dotted
from model.config.errors import Path as ConfigPath
from model.config.merged_settings import Setting
from model.config.resolved_cluster import POOL_KEYS, ResolvedCluster
from model.load import resolve
from model.settings_report import ExplainedCluster, ExplainedSetting
from ops.errors import OperatorError
from ops.pulumi.stack_file import StackFileError, read
from ops.pulumi.stack_yaml import Lines

DEFAULT, OVERRIDE = "default", "override"
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


def explain(
    stack_file: Path, clusters: Mapping[str, ResolvedCluster], cluster: str, prefix: str = ""
) -> ExplainedCluster:
    """Return the settings of the cluster at or below the path `prefix`; raise OperatorError."""
    if cluster not in clusters:
        raise OperatorError(f"no cluster {cluster}; the stack's clusters: {', '.join(clusters)}")
    settings = {relative(setting): setting for setting in clusters[cluster].explain()}
    shown = [path for path in settings if not prefix or _is_below(path, prefix)]
    if not shown:
        nearest = difflib.get_close_matches(prefix, settings, n=1)
        hint = f"did you mean {nearest[0]}? " if nearest else ""
        raise OperatorError(
            f"{prefix} is not set for {cluster} and has no default: {hint}"
            f"`fleet explain {cluster}` lists its settings, `fleet explain --config` all keys"
        )
    lines = Lines(stack_file.read_text(encoding="utf-8"))
    return ExplainedCluster(
        cluster=cluster,
        settings=tuple(_explained(settings[path], stack_file, lines) for path in shown),
    )


def _explained(setting: Setting, stack_file: Path, lines: Lines) -> ExplainedSetting:
    found, layer = setting.origin, layer_of(setting.origin)
    in_file: Sequence[str | int] = ("config", ROOT, *(found or ()))
    return ExplainedSetting(
        path=relative(setting),
        value=_plain(setting.value),
        layer=layer,
        config_path=dotted(found) if found else "",
        selector=_selector(lines.value((*in_file[:4], "selector"))) if layer == OVERRIDE else "",
        file=stack_file.name if found else "",
        line=lines.line(in_file) if found else None,
    )


def layer_of(origin: ConfigPath | None) -> str:
    """Return what sets a value, by the config path that it comes from; None for a default."""
    if origin is None:
        return DEFAULT
    if origin[0] != "clusters":
        return OVERRIDE if origin[0] == overrides.KEY else "fleet"
    if origin[2] in POOL_KEYS.values():
        if "hosts" in (origin[3:4] or ()) or "hosts" in origin[5:6]:
            return "machine"
        if origin[3:4] == ("pools",):
            return "pool"
    return "cluster"


def _selector(value: Any) -> str:
    """Return a selector as kubectl takes it; a mapping of labels is one, too."""
    if isinstance(value, dict):
        return ",".join(f"{key}={each}" for key, each in value.items())
    return str(value)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def table(found: ExplainedCluster, *, wide: bool) -> str:
    """Return a row for each setting; no row is folded, as in kubectl's tables."""
    columns = ("PATH", "VALUE", "FROM", "WHERE", *(("KEY",) if wide else ()))
    rows = [
        (
            each.path,
            written(each.value),
            f"{each.layer} {each.selector}".rstrip(),
            f"{each.file}:{each.line}" if each.file else NO_VALUE,
            *((each.config_path or NO_VALUE,) if wide else ()),
        )
        for each in found.settings
    ]
    lines = [columns, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(columns))]
    return "".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )


def relative(setting: Setting) -> str:
    """Return the path of a setting within its cluster, such as `workers.hosts.rack1-a.port`."""
    return dotted(setting.path).removeprefix(f"{ROOT}.")


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
    text = str(value)
    return text if text.isprintable() and text else json.dumps(text, ensure_ascii=False)


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith((f"{prefix}.", f"{prefix}["))
