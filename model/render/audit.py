"""The audit policy of API servers: who changed what, read secrets, was denied, or opened a session.

An API server takes the first rule that matches. What the cluster's own components do by the clock
is not recorded: it would be most of the log of an idle cluster. An open session is a GET or a POST,
depending on the client, so that sessions are named by their subresources.
https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
"""

import json
from typing import Any

import yaml

from model.security import Audit

NODES = "system:nodes"
OWN_ACCOUNTS = "system:serviceaccounts:kube-system"
API_SERVER = "system:apiserver"
CONTROL_PLANE = [API_SERVER, "system:kube-controller-manager", "system:kube-scheduler"]
READS = ["get", "list", "watch"]
# The stages of a request that is recorded once, when it has ended.
BEGINNINGS = ["RequestReceived", "ResponseStarted"]

Rule = dict[str, Any]


def policy(audit: Audit) -> str:
    """Return the document: the config's own, or ours."""
    return f"{audit.policy.rstrip()}\n" if audit.policy else _OWN


def _resources(group: str, *names: str) -> list[Rule]:
    return [{"group": group, "resources": list(names)}]


def _not_recorded() -> list[Rule]:
    """Return the rules for what is not recorded."""
    leases = _resources("coordination.k8s.io", "leases")
    reviews = [
        *_resources("authentication.k8s.io", "tokenreviews"),
        *_resources("authorization.k8s.io", "*"),
    ]
    by_components = [
        {"users": CONTROL_PLANE},
        {"userGroups": [NODES, OWN_ACCOUNTS]},
    ]
    own: list[Rule] = [
        {**who, "resources": resources}
        for who in by_components
        for resources in (leases, reviews, [{"group": "*", "resources": ["*/status"]}])
    ]
    return [
        {"nonResourceURLs": ["/livez*", "/readyz*", "/healthz*"]},
        {"resources": [*_resources("", "events"), *_resources("events.k8s.io", "events")]},
        *own,
        # Who watches a cluster asks every few seconds, and nothing in them is anybody's.
        {"verbs": READS, "resources": [*leases, *_resources("metrics.k8s.io", "*")]},
        # Service accounts of others authenticate their clients with them.
        {"userGroups": ["system:serviceaccounts"], "verbs": ["create"], "resources": reviews},
        # Controllers look every few seconds which kinds there are.
        *(
            {**who, "verbs": ["get"], "nonResourceURLs": ["/api*", "/openapi*"]}
            for who in by_components
        ),
        # An API server with itself, and each kubelet with its own Node.
        {
            "users": [API_SERVER],
            "verbs": READS,
            "resources": [
                *_resources("", "endpoints", "namespaces", "nodes", "services"),
                *_resources("discovery.k8s.io", "endpointslices"),
            ],
        },
        {"userGroups": [NODES], "verbs": ["get"], "resources": _resources("", "nodes")},
    ]


def _rules() -> list[Rule]:
    sensitive = [
        *_resources("", "secrets", "configmaps", "serviceaccounts/token"),
        *_resources("authentication.k8s.io", "*"),
    ]
    sessions = _resources(
        "",
        *("pods/exec", "pods/attach", "pods/portforward"),
        *("pods/proxy", "services/proxy", "nodes/proxy"),
    )
    return [
        *({"level": "None", **rule} for rule in _not_recorded()),
        # Both their beginning and their end.
        {"level": "Metadata", "resources": sessions, "omitStages": ["RequestReceived"]},
        # Never with their content.
        {"level": "Metadata", "resources": sensitive, "omitStages": BEGINNINGS},
        {"level": "Metadata", "verbs": READS, "omitStages": BEGINNINGS},
        {
            "level": "Request",
            "verbs": ["create", "update", "patch", "delete", "deletecollection"],
            "omitStages": BEGINNINGS,
        },
        {"level": "Metadata", "omitStages": BEGINNINGS},
    ]


def _document() -> str:
    document = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "omitManagedFields": True,
        "rules": _rules(),
    }
    # What several rules share is written out in each of them.
    plain = json.loads(json.dumps(document))
    return yaml.safe_dump(plain, sort_keys=False, default_flow_style=None)


_OWN = _document()
