"""An empty program: as many resources as another one, and nothing in them."""

from pathlib import Path
from typing import Any

PROGRAM = """\
import pulumi

for index in range(pulumi.Config("empty").require_int("resources")):
    pulumi.ComponentResource("empty:index:Nothing", f"nothing-{index}", None)
"""
PROJECT = "name: empty\nruntime: python\n"


def write(folder: Path) -> Path:
    """Write the program into `folder`; return it."""
    folder.mkdir()
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "Pulumi.yaml").write_text(PROJECT)
    return folder


def config(resources: int) -> dict[str, Any]:
    """Return the config for so many resources."""
    return {"empty:resources": resources}
