"""Objects of a cluster as items: what is compared of each kind, and what is not.

Both sides of a comparison come from here: objects that an API has, and those that a config renders.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from model.api_objects import Object
from model.consistency.facts import (
    ADD_ONS,
    ADMISSION,
    DNS,
    NETWORK,
    POD_SECURITY,
    POLICIES,
    PROXY,
    RBAC,
    Value,
    document,
    flattened,
)
from model.consistency.own_values import CA, ENDPOINT_PORT, OwnValues
from model.own_namespaces import CONTROL_PLANE_NAMESPACE, NETWORK_NAMESPACES

SYSTEM_NAMESPACES = (CONTROL_PLANE_NAMESPACE, *NETWORK_NAMESPACES.values())
LEVELS = "pod-security.kubernetes.io/"
NO_LEVEL = "none"
# Whoever restarts a workload by hand changes nothing else.
RESTARTED = "kubectl.kubernetes.io/restartedAt"
# Every namespace has it from the cluster's own CA.
PUBLISHED_CA = "kube-root-ca.crt"
PORT_VARIABLE = "KUBERNETES_SERVICE_PORT"
# Policies of config namespaces.
OWN_POLICY = "kubeadm-fleet"

Named = Iterator[tuple[str, str, Value]]
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def items_of(entry: Object, kind: str, own: OwnValues, *, keep: bool) -> Named:
    """Yield area, item and value of each thing that is compared of an object.

    `keep`: with the fields of kinds of which there may be very many.
    """
    if read := _KINDS.get(kind):
        yield from read(entry, kind, own, keep)


def title(entry: Object, kind: str) -> str:
    """Return what an object is called: kind, namespace if it has one, name."""
    metadata = entry["metadata"]
    namespace = metadata.get("namespace")
    return f"{kind} {namespace}/{metadata['name']}" if namespace else f"{kind} {metadata['name']}"


def _workload(entry: Object, kind: str, own: OwnValues, _keep: bool) -> Named:
    if entry["metadata"].get("namespace") not in SYSTEM_NAMESPACES:
        return
    spec = json.loads(json.dumps(entry["spec"]))
    template = spec["template"]
    (template.get("metadata") or {}).pop("creationTimestamp", None)
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    if annotations.pop(RESTARTED, None) and not annotations:
        del template["metadata"]["annotations"]
    images = []
    for container in _containers(template["spec"]):
        images.append(str(container.pop("image", "")))
        for variable in container.get("env") or ():
            if variable["name"] == PORT_VARIABLE and variable.get("value") == own.port:
                variable["value"] = ENDPOINT_PORT
    name = title(entry, kind)
    yield ADD_ONS, f"{name} images", ", ".join(dict.fromkeys(images))
    yield ADD_ONS, name, document(own.of(spec))


def _containers(pod: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from pod.get("containers") or ()
    yield from pod.get("initContainers") or ()


def _config_map(entry: Object, kind: str, own: OwnValues, _keep: bool) -> Named:
    metadata, data = entry["metadata"], entry.get("data") or {}
    namespace, name = metadata.get("namespace"), metadata["name"]
    if (namespace, name) == (CONTROL_PLANE_NAMESPACE, "kube-proxy"):
        for key, value in data.items():
            yield from ((PROXY, *item) for item in _proxy_items(key, value, own))
    elif (namespace, name) == (CONTROL_PLANE_NAMESPACE, "coredns"):
        for key, value in data.items():
            yield DNS, key, document(own.of(value))
    elif namespace in NETWORK_NAMESPACES.values() and name != PUBLISHED_CA:
        yield NETWORK, title(entry, kind), document(own.of(data))


def _proxy_items(key: str, text: str, own: OwnValues) -> Iterator[tuple[str, Value]]:
    content = yaml.load(text, Loader=Loader)  # noqa: S506
    if key == "config.conf" and isinstance(content, Mapping):
        yield from flattened(own.of(content))
    else:
        yield key, document(own.of(content))


def _rules(entry: Object, kind: str, _own: OwnValues, keep: bool) -> Named:
    if not _is_system(entry):
        return
    content = {
        key: entry[key]
        for key in ("aggregationRule", "rules", "roleRef", "subjects")
        if entry.get(key)
    }
    for key in ("rules", "subjects"):
        # Their order has no meaning.
        if key in content:
            content[key] = sorted(content[key], key=lambda each: json.dumps(each, sort_keys=True))
    yield RBAC, title(entry, kind), document(content, keep=keep)


def _is_system(entry: Object) -> bool:
    namespace = entry["metadata"].get("namespace", "")
    return not namespace or namespace in SYSTEM_NAMESPACES or namespace.startswith("kube-")


def _admission(entry: Object, kind: str, own: OwnValues, keep: bool) -> Named:
    webhooks = [
        {**each, "clientConfig": {**each.get("clientConfig", {}), "caBundle": CA}}
        for each in entry.get("webhooks") or ()
    ]
    content = {"spec": entry.get("spec") or {}, "webhooks": webhooks}
    yield ADMISSION, title(entry, kind), document(own.of(content), keep=keep)


def _namespace(entry: Object, _kind: str, _own: OwnValues, _keep: bool) -> Named:
    labels = entry["metadata"].get("labels") or {}
    levels = {
        key.removeprefix(LEVELS): value for key, value in labels.items() if key.startswith(LEVELS)
    }
    text = ",".join(f"{key}={value}" for key, value in sorted(levels.items()))
    yield POD_SECURITY, str(entry["metadata"]["name"]), text or NO_LEVEL


def _policy(entry: Object, kind: str, own: OwnValues, _keep: bool) -> Named:
    metadata = entry["metadata"]
    if metadata.get("namespace") in SYSTEM_NAMESPACES or metadata["name"] == OWN_POLICY:
        yield POLICIES, title(entry, kind), document(own.of(entry["spec"]))


_KINDS: dict[str, Callable[[Object, str, OwnValues, bool], Named]] = {
    "DaemonSet": _workload,
    "Deployment": _workload,
    "ConfigMap": _config_map,
    "ClusterRole": _rules,
    "ClusterRoleBinding": _rules,
    "Role": _rules,
    "RoleBinding": _rules,
    "ValidatingAdmissionPolicy": _admission,
    "ValidatingAdmissionPolicyBinding": _admission,
    "MutatingAdmissionPolicy": _admission,
    "MutatingAdmissionPolicyBinding": _admission,
    "ValidatingWebhookConfiguration": _admission,
    "MutatingWebhookConfiguration": _admission,
    "Namespace": _namespace,
    "NetworkPolicy": _policy,
}
KINDS = tuple(_KINDS)
