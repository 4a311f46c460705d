"""The kubeconfig at the top of the checkout: written, recognised as a stack's own, removed."""

from pathlib import Path
from typing import Any

import yaml

from ops.private_file import write_private

# An extension, because kubectl keeps it when it rewrites the file; a comment would be lost.
_OWNER = "kubeadm-fleet"


def write(path: Path, kubeconfig: str, stack: str) -> None:
    """Write the kubeconfig (mode 0600) with the name of the stack that it belongs to."""
    config: dict[str, Any] = yaml.safe_load(kubeconfig)
    config["extensions"] = [{"name": _OWNER, "extension": {"stack": stack}}]
    write_private(path, yaml.safe_dump(config, sort_keys=False))


def owner(path: Path) -> str | None:
    """Give the stack that a kubeconfig belongs to; None if it is another file or not there."""
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        (stack,) = [e["extension"]["stack"] for e in config["extensions"] if e["name"] == _OWNER]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError):
        return None
    return str(stack)


def remove(path: Path, stack: str) -> bool:
    """Remove the stack's kubeconfig; say whether there was one."""
    if owner(path) != stack:
        return False
    path.unlink()
    return True
