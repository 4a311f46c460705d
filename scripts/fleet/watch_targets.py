"""The clusters that `fleet watch` watches: contexts of a kubeconfig that may change meanwhile."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from ops.errors import OperatorError, text_of
from ops.kube.access import Access, Loader
from ops.watch.fleet import Target


def read(path: Path, clusters: Collection[str]) -> dict[str, Target]:
    """Return the clusters of a kubeconfig, or those of these names; raise OperatorError."""
    document = _document(path)
    contexts: dict[str, str] = {
        str(each["name"]): str(each["context"]["cluster"]) for each in document["contexts"]
    }
    times = Counter(contexts.values())
    names = {
        context: cluster if times[cluster] == 1 else context
        for context, cluster in contexts.items()
    }
    if unknown := sorted(set(clusters) - set(names.values())):
        raise OperatorError(
            f"{path} has no cluster {', '.join(unknown)}; its clusters: "
            f"{', '.join(sorted(names.values()))}"
        )
    folder = path.absolute().parent
    return {
        name: Target(name, _stamp(document, context), partial(_access, document, context, folder))
        for context, name in names.items()
        if not clusters or name in clusters
    }


def _document(path: Path) -> dict[str, Any]:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)  # noqa: S506
        if not document["contexts"]:
            raise OperatorError(f"{path} has no context")
        for each in document["contexts"]:
            _ = each["name"], each["context"]["cluster"]
    except OSError as error:
        raise OperatorError(f"the kubeconfig cannot be read: {text_of(error)}") from None
    except (ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise OperatorError(f"{path} is not a kubeconfig: {text_of(error)}") from None
    return dict(document)


def _access(document: Mapping[str, Any], context: str, folder: Path) -> Access:
    return Access.of_context(document, context, folder)


def _stamp(document: Mapping[str, Any], context: str) -> str:
    """Return what changes when the context, its cluster or its user does."""
    entry = next(each["context"] for each in document["contexts"] if each["name"] == context)
    parts = [
        entry,
        [each for each in document.get("clusters") or () if each.get("name") == entry["cluster"]],
        [each for each in document.get("users") or () if each.get("name") == entry.get("user")],
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
