"""A control plane's components, from the mirror pods of their manifests."""

import re
from collections.abc import Mapping
from typing import Any

from model.api_objects import Object
from model.consistency.facts import COMPONENTS, Value, document
from model.consistency.own_values import CLUSTER_NAME, CONTROL_PLANE, NAME, OwnValues

# The API selects them by this.
SELECTOR = "tier=control-plane"
POD, VERSION = "pod", "version"
# A member with data ignores them: they say how the cluster was when it joined.
INITIAL_CLUSTER, INITIAL_STATE = "initial-cluster", "initial-cluster-state"
STATES = ("new", "existing")
MEMBER = re.compile(r"[a-z0-9.-]+=https://[0-9a-fA-F.:\[\]]+:2380")


def component_of(pod: Object) -> str:
    """Return whose manifest it is; "" for that of anything else."""
    found = str((pod["metadata"].get("labels") or {}).get("component", ""))
    return found if found in COMPONENTS else ""


def items(pod: Object, own: OwnValues) -> dict[str, Value]:
    """Return its version, its flags as `--NAME`, and the rest of the pod as a document."""
    container = _container(pod)
    words = [*(container.get("command") or ()), *(container.get("args") or ())]
    found: dict[str, Value] = {f"--{name}": text for name, text in flags(words, own).items()}
    left = {key: value for key, value in pod["spec"].items() if key != "nodeName"}
    rest = [
        {key: value for key, value in each.items() if key not in ("command", "args", "image")}
        if each is container
        else each
        for each in pod["spec"]["containers"]
    ]
    image = str(container.get("image", "")).partition("@")[0]
    found[VERSION] = image.rpartition("/")[2].rpartition(":")[2]
    return {**found, POD: document(own.of({**left, "containers": rest}))}


def flags(words: list[str], own: OwnValues) -> dict[str, str]:
    """Return a component's flags without their dashes, own values named; repeated ones joined."""
    found: dict[str, list[str]] = {}
    for word in words[1:]:
        name, _, value = word.removeprefix("--").partition("=")
        found.setdefault(name, []).append(_flag(name, value, own))
    if INITIAL_CLUSTER in found and found.setdefault(INITIAL_STATE, [STATES[0]])[0] in STATES:
        found[INITIAL_STATE] = [" or ".join(STATES)]
    return {name: " ".join(values) for name, values in found.items()}


def _flag(name: str, value: str, own: OwnValues) -> str:
    if name == INITIAL_CLUSTER:
        return ",".join(dict.fromkeys(_member(each) for each in value.split(",")))
    if name in ("name", "hostname-override") and value == own.node:
        return NAME
    if name == "cluster-name" and value == own.name:
        return CLUSTER_NAME
    return own.text(value)


def _member(entry: str) -> str:
    """Return an entry of etcd's first members: a control plane, which may have left since."""
    return CONTROL_PLANE if MEMBER.fullmatch(entry) else entry


def _container(pod: Object) -> Mapping[str, Any]:
    found: Mapping[str, Any] = pod["spec"]["containers"][0]
    return found
