"""The cluster's two documents: their digests and their differences.

Both omit the Kubernetes version: it is not a setting, and a machine with another version
is upgraded, not reconfigured.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import yaml

from model.render import kubeadm

VERSION = "kubernetesVersion"
# The pod of each section of the ClusterConfiguration that belongs to one.
PODS = {
    "etcd": "etcd",
    "apiServer": "kube-apiserver",
    "controllerManager": "kube-controller-manager",
    "scheduler": "kube-scheduler",
}
# Without these there is no API.
SERVING_PODS = ("etcd", "kube-apiserver")


def digest(text: str) -> str:
    """Return a digest of a YAML document's content, whatever its layout and version."""
    said = json.dumps(_without_version(text), sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def overridden(text: str, settings: str) -> str:
    """Return a KubeletConfiguration with a machine's own settings, "" for none."""
    if not settings:
        return text
    merged = kubeadm.overridden(yaml.safe_load(text), yaml.safe_load(settings))
    return yaml.safe_dump(merged, sort_keys=False)


def control_digest(cluster_document: str, patches: str) -> str:
    """Return a digest of a control plane's settings; manifests are rendered from both."""
    return f"{digest(cluster_document)}-{patches}"


def changed_keys(old: str, new: str) -> list[str]:
    """Return the paths at which two documents differ, such as `apiServer.extraArgs.profiling`."""
    return list(dict.fromkeys(_changed(_without_version(old), _without_version(new), ())))


def _without_version(text: str) -> Any:
    document = yaml.safe_load(text) or {}
    return _named({key: value for key, value in document.items() if key != VERSION})


def _named(value: Any) -> Any:
    """Convert arguments (lists of name and value) to a mapping, since their order is irrelevant."""
    if isinstance(value, dict):
        return {key: _named(item) for key, item in value.items()}
    if isinstance(value, list):
        if value and all(
            isinstance(argument, dict) and set(argument) == {"name", "value"} for argument in value
        ):
            return {argument["name"]: argument["value"] for argument in value}
        return [_named(item) for item in value]
    return value


def _changed(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _changed(old.get(key), new.get(key), (*path, key))
    elif old != new:
        for value in (old, new):
            if isinstance(value, dict) and value:
                yield from (".".join((*path, key)) for key in value)
                return
        yield ".".join(path)
