"""The certificate and the registration of an aggregated API, as a cluster has them."""

import hashlib
import json

from model.aggregated_api import (
    API_SERVICES,
    BEGINS,
    EXPIRES,
    AggregatedApi,
    described,
    registration,
    secret,
)
from model.api_objects import Json
from model.object_drift.loss import lost
from model.object_drift.mark import marks
from model.pki import certificates
from model.pki.certificates import KeyPair
from model.render.objects import dump
from ops.errors import OperatorError
from ops.kube import apply
from ops.kube.client import Client


def write(client: Client, api: AggregatedApi, pair: KeyPair, chain: str, authorities: str) -> str:
    """Write the Secret, then the registration; return the digest of both.

    The registration of somebody else's server is left alone: raises OperatorError.
    """
    found = client.retry(
        f"reading the registration of {api.group}", lambda: client.find(_registration_path(api))
    )
    if found is not None and not _is_own(api, found):
        service = (found.get("spec") or {}).get("service") or {}
        place = f"{service.get('namespace')}/{service.get('name')}"
        raise OperatorError(
            f"{api.group} at {client.access.server} is served by {place}, which is not this "
            f"program's: nothing of {api.service} was changed there. Keep it and set "
            f"metricsServer to false for the cluster, or remove it with its APIService {api.name}"
        )
    registered = registration(
        api,
        authorities,
        certificates.created(pair.cert_pem),
        certificates.expiry(pair.cert_pem),
    )
    (mark,) = marks([described(api)])
    kept = secret(api, pair.cert_pem + chain, pair.key_pem)
    apply.apply(client, dump([kept]), mark=False)
    apply.apply_as(client, registered, mark)
    return _digest(kept, registered)


def is_written(client: Client, api: AggregatedApi, digest: str) -> bool:
    """Whether both are as they were written, what others added apart. Raises ApiError."""
    kept, registered = client.find(_secret_path(api)), client.find(_registration_path(api))
    if kept is None or registered is None or lost(registered):
        return False
    return _digest(kept, registered) == digest


def remove(client: Client, api: AggregatedApi) -> None:
    """Delete the registration, unless it is somebody else's, and the Secret. Raises ApiError."""
    found = client.find(_registration_path(api))
    if found is not None and _is_own(api, found):
        client.delete(_registration_path(api))
    if client.find(_secret_path(api)) is not None:
        client.delete(_secret_path(api))


def _registration_path(api: AggregatedApi) -> str:
    return f"/apis/{API_SERVICES}/apiservices/{api.name}"


def _secret_path(api: AggregatedApi) -> str:
    return f"/api/v1/namespaces/{api.namespace}/secrets/{api.secret}"


def _is_own(api: AggregatedApi, found: Json) -> bool:
    return api.labels.items() <= (found["metadata"].get("labels") or {}).items()


def _digest(kept: Json, registered: Json) -> str:
    spec, annotations = registered["spec"], registered["metadata"].get("annotations") or {}
    said = [
        kept.get("data"),
        [spec.get(key) for key in ("service", "caBundle")],
        # Without it in the answer, the server is verified.
        bool(spec.get("insecureSkipTLSVerify")),
        [annotations.get(key) for key in (BEGINS, EXPIRES)],
    ]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
