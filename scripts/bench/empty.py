"""An empty program: as many resources of the same kinds as another one, and nothing in them.

The kinds matter: an engine whose program has no dynamic resource and no command starts neither of
the two plugins, which takes longer than anything that it does with fifty resources.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# In a file of its own, so that it is pickled by name: by value it would be pickled whole each time.
MADE = """\
import pulumi


class Nothing(pulumi.dynamic.ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props):
        return pulumi.dynamic.CreateResult("nothing", {})


class Made(pulumi.dynamic.Resource, module="empty", name="Made"):
    def __init__(self, name):
        super().__init__(Nothing(), name, {})
"""
PROGRAM = """\
import pulumi
from made import Made
from pulumi_command import local

MAKE = {
    "component": lambda name: pulumi.ComponentResource("empty:index:Nothing", name, None),
    "dynamic": Made,
    "command": lambda name: local.Command(name, create="true"),
}
for kind, count in pulumi.Config("empty").require_object("resources").items():
    for index in range(count):
        MAKE[kind](f"{kind}-{index}")
"""
PROJECT = "name: empty\nruntime: python\n"


def write(folder: Path) -> Path:
    """Write the program into `folder`; return it."""
    folder.mkdir()
    (folder / "made.py").write_text(MADE)
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "Pulumi.yaml").write_text(PROJECT)
    return folder


def config(types: Mapping[str, int]) -> dict[str, Any]:
    """Return the config for as many resources of each kind as there are of these types."""
    kinds: Counter[str] = Counter()
    for token, count in types.items():
        kinds[_kind(token)] += count
    return {"empty:resources": dict(sorted(kinds.items()))}


def _kind(token: str) -> str:
    if token.startswith("pulumi-python:dynamic"):
        return "dynamic"
    return "command" if token.startswith("command:") else "component"
