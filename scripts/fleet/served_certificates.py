"""Certificates that add-ons serve with, as the stack's outputs have them."""

from collections.abc import Collection, Mapping
from typing import Any, cast

from model.pki.ledger import Ledger
from model.pki.ledger_facts import Place, served_certificate
from model.render import metrics_server

# The Secret of each add-on's certificate.
SECRETS = {
    metrics_server.NAME: f"{metrics_server.API.namespace}/{metrics_server.API.secret}",
}


def read(outputs: Mapping[str, object], clusters: Collection[str], place: Place) -> Ledger:
    """Return the certificates for these clusters, or for all."""
    found = cast(Mapping[str, Any], outputs.get("certificates") or {})
    certificates = [
        served_certificate(place, cluster, add_on, pem, SECRETS[add_on])
        for cluster, its in found.items()
        if not clusters or cluster in clusters
        for add_on, pem in its.items()
        # Without one, the last run could not issue it.
        if pem and add_on in SECRETS
    ]
    return Ledger(time=place.now, certificates=tuple(certificates))
