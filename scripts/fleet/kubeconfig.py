"""The kubeconfigs in the checkout: one file per stack, and one per cluster.

`./kubeconfig` belongs to one stack, which it names; another stack's is never replaced unasked.
`kubeconfigs/<stack>/<cluster>` has one context each, as kubie and kubeswitch expect.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from ops.errors import OperatorError
from ops.private_file import make_private_folder, write_private

# An extension, because kubectl keeps it when it rewrites the file; a comment would be lost.
EXTENSION = "kubeadm-fleet"


def split(kubeconfig: str) -> dict[str, str]:
    """Return a kubeconfig for each context, by cluster name."""
    config: dict[str, Any] = yaml.safe_load(kubeconfig)
    clusters = {entry["name"]: entry for entry in config["clusters"]}
    users = {entry["name"]: entry for entry in config["users"]}
    kubeconfigs = {}
    for context in config["contexts"]:
        cluster, user = context["context"]["cluster"], context["context"]["user"]
        single = {
            **config,
            "current-context": context["name"],
            "clusters": [clusters[cluster]],
            "users": [users[user]],
            "contexts": [context],
        }
        kubeconfigs[cluster] = yaml.safe_dump(single, sort_keys=False)
    return kubeconfigs


def read_clusters(path: Path) -> dict[str, str]:
    """Return the kubeconfigs of a file that `fleet` wrote, by cluster name."""
    try:
        return split(path.read_text(encoding="utf-8"))
    except (ValueError, KeyError, TypeError, yaml.YAMLError):
        raise OperatorError(
            f"{path} is not a kubeconfig: remove it and run `fleet kubeconfig`"
        ) from None


def select(kubeconfig: str, clusters: Collection[str]) -> str:
    """Return the kubeconfig with these clusters only, or with all of them if none is named."""
    if not clusters:
        return kubeconfig
    config: dict[str, Any] = yaml.safe_load(kubeconfig)
    contexts = [entry for entry in config["contexts"] if entry["context"]["cluster"] in clusters]
    users = {entry["context"]["user"] for entry in contexts}
    if config["current-context"] not in {entry["name"] for entry in contexts}:
        config["current-context"] = contexts[0]["name"]
    config["clusters"] = [entry for entry in config["clusters"] if entry["name"] in clusters]
    config["users"] = [entry for entry in config["users"] if entry["name"] in users]
    config["contexts"] = contexts
    return yaml.safe_dump(config, sort_keys=False)


def write(path: Path, kubeconfig: str, stack: str) -> None:
    """Write the kubeconfig (mode 0600) with the name of its stack."""
    config: dict[str, Any] = yaml.safe_load(kubeconfig)
    config["extensions"] = [{"name": EXTENSION, "extension": {"stack": stack}}]
    write_private(path, yaml.safe_dump(config, sort_keys=False))


def owner(path: Path) -> str | None:
    """Return the stack that owns a kubeconfig; None if it is missing or a foreign file."""
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        (stack,) = [e["extension"]["stack"] for e in config["extensions"] if e["name"] == EXTENSION]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError):
        return None
    return str(stack)


def remove(path: Path, stack: str) -> bool:
    """Remove the stack's kubeconfig; return whether there was one."""
    if owner(path) != stack:
        return False
    path.unlink()
    return True


def write_each(folder: Path, kubeconfig: str, stack: str) -> list[Path]:
    """Write a file for each cluster into `folder`/<stack>; remove those of former clusters."""
    of_stack = folder / stack
    for private in (folder, of_stack):
        make_private_folder(private)
    kubeconfigs = split(kubeconfig)
    for cluster, text in kubeconfigs.items():
        write(of_stack / cluster, text, stack)
    for path in of_stack.iterdir():
        if path.name not in kubeconfigs:
            remove(path, stack)
    return [of_stack / cluster for cluster in kubeconfigs]


def remove_each(folder: Path, stack: str) -> list[Path]:
    """Remove the files of a stack's clusters, and folders that become empty."""
    of_stack = folder / stack
    if not of_stack.is_dir():
        return []
    removed = [path for path in sorted(of_stack.iterdir()) if remove(path, stack)]
    for maybe_empty in (of_stack, folder):
        if not any(maybe_empty.iterdir()):
            maybe_empty.rmdir()
    return removed
