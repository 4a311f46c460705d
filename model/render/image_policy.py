"""The policy that rejects pods with images of other registries.

An image's name is completed as containerd does it: without a registry it is one of docker.io, and
without a path there, one of docker.io/library. What a pod has already may stay: labels and
finalizers of a pod that is older than the policy can be changed.
https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

import json
from collections.abc import Sequence
from typing import Any

from model.fleet import Cluster
from model.own_namespaces import own_namespaces
from model.render.objects import dump

NAME = "kubeadm-fleet-images"
ADMISSION = "admissionregistration.k8s.io/v1"
# Where an image is named in a pod.
_IMAGES = """\
({pod} == null ? [] :
  {pod}.spec.containers.map(each, each.?image.orValue("")) +
  {pod}.spec.?initContainers.orValue([]).map(each, each.?image.orValue("")) +
  {pod}.spec.?ephemeralContainers.orValue([]).map(each, each.?image.orValue("")) +
  {pod}.spec.?volumes.orValue([]).filter(each, has(each.image))
    .map(each, each.image.?reference.orValue("")))\
"""
# The first part of a name is a registry if it is localhost, or has a dot, a port or a capital.
_FOREIGN = """\
{images}.filter(image, !variables.former.exists(each, each == image)).filter(image,
  ![!image.contains("/") ? "docker.io/library/" + image :
    image.matches("^([^/]*[.:A-Z][^/]*|localhost)/") ?
      image.replace("index.docker.io/", "docker.io/", 1) : "docker.io/" + image
  ].exists(name, {allowed}))\
"""


def image_policy(cluster: Cluster) -> str:
    """Return the policy and its binding as YAML documents; "" if images may be of any registry."""
    found = image_objects(cluster)
    return dump(found) if found else ""


def image_objects(cluster: Cluster) -> list[dict[str, Any]]:
    """Return the policy and its binding, if images may not be of any registry."""
    registries = cluster.security.registries
    return _objects(registries, own_namespaces(cluster)) if registries else []


def _objects(registries: Sequence[str], exempt: Sequence[str]) -> list[dict[str, Any]]:
    metadata = {"name": NAME, "labels": {"app.kubernetes.io/managed-by": "kubeadm-fleet"}}
    listed = ", ".join(registries)
    policy = {
        "apiVersion": ADMISSION,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": metadata,
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": ["pods", "pods/ephemeralcontainers"],
                    }
                ],
                "namespaceSelector": {
                    "matchExpressions": [
                        {
                            "key": "kubernetes.io/metadata.name",
                            "operator": "NotIn",
                            "values": list(exempt),
                        }
                    ]
                },
            },
            "variables": [
                {"name": "former", "expression": _IMAGES.format(pod="oldObject")},
                {
                    "name": "foreign",
                    "expression": _FOREIGN.format(
                        images=_IMAGES.format(pod="object"), allowed=_allowed(registries)
                    ),
                },
            ],
            "validations": [
                {
                    "expression": "variables.foreign.size() == 0",
                    "messageExpression": '"images of other registries than '
                    f'{listed}: " + variables.foreign.join(", ")',
                    "reason": "Forbidden",
                }
            ],
        },
    }
    binding = {
        "apiVersion": ADMISSION,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": metadata,
        "spec": {"policyName": NAME, "validationActions": ["Deny"]},
    }
    return [policy, binding]


def _allowed(registries: Sequence[str]) -> str:
    """Return whether `name` is in one of the registries, as an expression.

    Of a registry's host everything is, but a port that follows is of another one. A path is a
    folder, or an image with a tag or a digest.
    """
    beginnings = [
        f"{registry}{end}"
        for registry in registries
        for end in (("/", ":", "@") if "/" in registry else ("/",))
    ]
    exact = [registry for registry in registries if "/" in registry]
    begins = f"{json.dumps(beginnings)}.exists(each, name.startsWith(each))"
    return f"name in {json.dumps(exact)} || {begins}" if exact else begins
