"""Admission webhooks without which no pod can be created: their own pods must not be evicted,
and one that nothing answers for refuses pods now.

A webhook with failurePolicy Fail that also judges the pods of its own Service answers for its own
successor: once its last backend is gone, the API refuses every pod that it should judge, the new
backend first, and the cluster creates no pods any more. A drain that evicts all of its backends
does that. Webhooks that exclude their own namespace, as Kubernetes recommends, come back by
themselves, and are evicted like other pods.
https://kubernetes.io/docs/concepts/cluster-administration/admission-webhooks-good-practices/
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from model.api_objects import Json
from model.selectors import matches
from ops.kube.client import Client
from ops.kube.errors import ApiError
from ops.kube.pod import uid

CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1"
KINDS = ("validatingwebhookconfigurations", "mutatingwebhookconfigurations")
SLICES = "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices"
SERVICE = "kubernetes.io/service-name"
ANY = "*"


def read(client: Client) -> list[Json]:
    """Return the webhooks in the cluster that new pods may need; none if it is unknown."""
    try:
        return [
            webhook
            for kind in KINDS
            for configuration in client.pages(f"{CONFIGURATIONS}/{kind}")
            for webhook in configuration.get("webhooks") or ()
            if webhook.get("failurePolicy", "Fail") == "Fail"
            and "service" in webhook["clientConfig"]
            and any(map(_covers_pods, webhook.get("rules") or ()))
        ]
    except ApiError:
        return []


def sole_backends(client: Client, found: Iterable[Json], pods: Iterable[Json]) -> dict[str, str]:
    """Return why pods of a Node are needed to create any others, by UID; others are omitted.

    `found` are the webhooks, as `read` returns them. A pod is named if all backends of a webhook
    are on its Node.
    """
    known = {uid(pod): pod for pod in pods}
    reasons: dict[str, str] = {}
    with suppress(ApiError):
        for webhook in found if known else ():
            backends = _backends(client, webhook["clientConfig"]["service"])
            own = [known[backend] for backend in backends if backend in known]
            if backends and len(own) == len(backends) and _judges(client, webhook, own[0]):
                why = f"without it the webhook {webhook['name']} refuses its successor"
                reasons |= dict.fromkeys(map(uid, own), why)
    return reasons


def unanswered(client: Client, found: Iterable[Json]) -> dict[str, str]:
    """Return the webhooks that no backend answers for: each with its Service, by name.

    Those that cannot be judged are omitted.
    """
    broken: dict[str, str] = {}
    for webhook in found:
        service = webhook["clientConfig"]["service"]
        with suppress(ApiError):
            if not any(map(_is_ready, _endpoints(client, service))):
                broken[webhook["name"]] = f"{service['namespace']}/{service['name']}"
    return broken


def _covers_pods(rule: Mapping[str, Any]) -> bool:
    return (
        bool({ANY, "CREATE"} & {*rule.get("operations", ())})
        and bool({ANY, ""} & {*rule.get("apiGroups", ())})
        and bool({ANY, "*/*", "pods"} & {*rule.get("resources", ())})
    )


def _backends(client: Client, service: Mapping[str, str]) -> list[str]:
    """Return the UIDs of the pods that answer for a Service."""
    return [
        endpoint["targetRef"]["uid"]
        for endpoint in _endpoints(client, service)
        if _is_ready(endpoint) and endpoint.get("targetRef")
    ]


def _endpoints(client: Client, service: Mapping[str, str]) -> Iterator[Json]:
    slices = client.pages(
        SLICES.format(service["namespace"]), labelSelector=f"{SERVICE}={service['name']}"
    )
    for found in slices:
        yield from found.get("endpoints") or ()


def _is_ready(endpoint: Json) -> bool:
    return bool((endpoint.get("conditions") or {}).get("ready", True))


def _judges(client: Client, webhook: Json, pod: Json) -> bool:
    """Whether a pod like this one, in its namespace, has to pass the webhook."""
    namespace = client.get(f"/api/v1/namespaces/{pod['metadata']['namespace']}")
    return matches(
        webhook.get("namespaceSelector") or {}, namespace["metadata"].get("labels") or {}
    ) and matches(webhook.get("objectSelector") or {}, pod["metadata"].get("labels") or {})
