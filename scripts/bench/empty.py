"""An empty program: the same number of resources of each kind as another one, without content.

The kinds matter: for a program without dynamic resources, the engine does not start their server,
which takes longer than processing fifty resources.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# A separate file, so that it is pickled by name: by value, each resource would contain all of it.
RESOURCES = """\
import pulumi


class EmptyProvider(pulumi.dynamic.ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props):
        return pulumi.dynamic.CreateResult("nothing", {})


class Empty(pulumi.dynamic.Resource, module="empty", name="Empty"):
    def __init__(self, name):
        super().__init__(EmptyProvider(), name, {})
"""
PROGRAM = """\
import pulumi
from resources import Empty

CONSTRUCTORS = {
    "component": lambda name: pulumi.ComponentResource("empty:index:Nothing", name, None),
    "dynamic": Empty,
}
for kind, count in pulumi.Config("empty").require_object("resources").items():
    for index in range(count):
        CONSTRUCTORS[kind](f"{kind}-{index}")
"""
PROJECT = "name: empty\nruntime: python\n"


def write(folder: Path) -> Path:
    """Write the program into `folder`; return it."""
    folder.mkdir()
    (folder / "resources.py").write_text(RESOURCES)
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "Pulumi.yaml").write_text(PROJECT)
    return folder


def config(types: Mapping[str, int]) -> dict[str, Any]:
    """Return the config for the same number of resources of each kind as in `types`."""
    kinds: Counter[str] = Counter()
    for token, count in types.items():
        kinds[_kind(token)] += count
    return {"empty:resources": dict(sorted(kinds.items()))}


def _kind(token: str) -> str:
    return "dynamic" if token.startswith("pulumi-python:dynamic") else "component"
