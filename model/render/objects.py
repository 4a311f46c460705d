"""The Kubernetes objects of manifests/: read, filled in, and written as YAML.

The files are valid as they stand, with the defaults of a stack; what differs from cluster to
cluster is set in the parsed objects, never by replacing text.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from model.api_objects import Json

MANIFESTS = Path(__file__).parents[2] / "manifests"
# Ten times as fast, where PyYAML was built with libyaml.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Dumper(yaml.SafeDumper):
    """A dumper without anchors: previews show the text to people."""

    def ignore_aliases(self, _data: Any) -> bool:
        """No anchors."""
        return True


def read(name: str) -> list[Json]:
    """Return the objects of manifests/NAME.yaml."""
    found: list[Json] = json.loads(_read(MANIFESTS / f"{name}.yaml"))
    return found


@cache
def _read(file: Path) -> str:
    """Return a manifest as JSON, which is parsed faster, and can be changed by who gets it."""
    return json.dumps(list(yaml.load_all(file.read_text(), Loader=_Loader)))


def parsed(text: str) -> list[Json]:
    """Return the objects of YAML documents."""
    return [each for each in yaml.load_all(text, Loader=_Loader) if each]


def dump(objects: list[Json]) -> str:
    """Return objects as YAML documents."""
    return yaml.dump_all(objects, Dumper=_Dumper, sort_keys=False)


def set_environment(objects: list[Json], values: Mapping[str, str]) -> None:
    """Set environment variables in every container that has them."""
    for container in _containers(objects):
        for variable in container.get("env", ()):
            if variable["name"] in values:
                variable["value"] = values[variable["name"]]


def _containers(objects: list[Json]) -> Iterator[Json]:
    for item in objects:
        pod = item.get("spec", {}).get("template", {}).get("spec", {})
        yield from (*pod.get("initContainers", ()), *pod.get("containers", ()))
