"""The API servers' AuthenticationConfiguration: the issuers whose tokens they accept.

Every control plane has the file from the start, without issuers, too: API servers read it again
when it changes, but begin and cease to use one only by a restart. The section `anonymous` is the
exception: a file that changes it is rejected as a whole until a restart. Load balancers, probes and
the program's own scripts ask these paths without a credential; everything else needs one.
https://kubernetes.io/docs/reference/access-authn-authz/authentication/
"""

from collections.abc import Iterable
from typing import Any

import yaml

from model.issuer import Issuer

# Each alone, not what is below it.
ANONYMOUS_PATHS = ("/livez", "/readyz", "/healthz")

Object = dict[str, Any]


def configuration(issuers: Iterable[Issuer]) -> str:
    """Return the document."""
    return yaml.safe_dump(
        {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "AuthenticationConfiguration",
            "anonymous": {
                "enabled": True,
                "conditions": [{"path": path} for path in ANONYMOUS_PATHS],
            },
            "jwt": [_authenticator(issuer) for issuer in issuers],
        },
        sort_keys=False,
    )


def _authenticator(issuer: Issuer) -> Object:
    described: Object = {"url": issuer.url, "audiences": list(issuer.audiences)}
    if len(issuer.audiences) > 1:
        described["audienceMatchPolicy"] = "MatchAny"
    if issuer.discovery_url:
        described["discoveryURL"] = issuer.discovery_url
    if issuer.certificate_authority:
        described["certificateAuthority"] = issuer.certificate_authority
    mappings = {"username": {"claim": issuer.username_claim, "prefix": issuer.prefix}}
    if issuer.groups_claim:
        mappings["groups"] = {"claim": issuer.groups_claim, "prefix": issuer.prefix}
    rules = [
        {"claim": claim, "requiredValue": value}
        for claim, value in sorted(issuer.required_claims.items())
    ]
    return {
        "issuer": described,
        **({"claimValidationRules": rules} if rules else {}),
        "claimMappings": mappings,
    }
