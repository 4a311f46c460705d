"""The kubeconfigs in the checkout: one file per stack, and one per cluster.

`./kubeconfig` belongs to one stack, which it names; another stack's is never replaced unasked.
`kubeconfigs/<stack>/<cluster>` has one context each, as kubie and kubeswitch expect.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from ops.private_file import make_private_folder, write_private

# An extension, because kubectl keeps it when it rewrites the file; a comment would be lost.
EXTENSION = "kubeadm-fleet"


def split(kubeconfig: str) -> dict[str, str]:
    """Return a kubeconfig for each context, by cluster name."""
    config: dict[str, Any] = yaml.safe_load(kubeconfig)
    clusters = {each["name"]: each for each in config["clusters"]}
    users = {each["name"]: each for each in config["users"]}
    found = {}
    for context in config["contexts"]:
        cluster, user = context["context"]["cluster"], context["context"]["user"]
        alone = {
            **config,
            "current-context": context["name"],
            "clusters": [clusters[cluster]],
            "users": [users[user]],
            "contexts": [context],
        }
        found[cluster] = yaml.safe_dump(alone, sort_keys=False)
    return found


def select(kubeconfig: str, wanted: Collection[str]) -> str:
    """Return the kubeconfig with these clusters only, or with all of them if none is named."""
    if not wanted:
        return kubeconfig
    config: dict[str, Any] = yaml.safe_load(kubeconfig)
    contexts = [each for each in config["contexts"] if each["context"]["cluster"] in wanted]
    users = {each["context"]["user"] for each in contexts}
    if config["current-context"] not in {each["name"] for each in contexts}:
        config["current-context"] = contexts[0]["name"]
    config["clusters"] = [each for each in config["clusters"] if each["name"] in wanted]
    config["users"] = [each for each in config["users"] if each["name"] in users]
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
    own = folder / stack
    for each in (folder, own):
        make_private_folder(each)
    found = split(kubeconfig)
    for cluster, text in found.items():
        write(own / cluster, text, stack)
    for path in own.iterdir():
        if path.name not in found:
            remove(path, stack)
    return [own / cluster for cluster in found]


def remove_each(folder: Path, stack: str) -> list[Path]:
    """Remove the files of a stack's clusters, and folders that become empty."""
    own = folder / stack
    if not own.is_dir():
        return []
    removed = [path for path in sorted(own.iterdir()) if remove(path, stack)]
    for each in (own, folder):
        if not any(each.iterdir()):
            each.rmdir()
    return removed
