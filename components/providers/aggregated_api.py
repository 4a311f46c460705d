"""The serving certificate of an aggregated API in one cluster, and its registration.

Create issues the certificate, writes it with its key into a Secret, and registers the API with the
CAs that verify it. Update does so again when another key signs, other CAs are trusted, or the
cluster was initialized again; by the clock, in the last third of the certificate's lifetime, which
a preview does not show. Read notices what is missing or was edited; while the API is unavailable it
records nothing. Delete removes both.

The state has the certificate. It has neither the key nor, again, the CA's, which is given to the
run alone.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypedDict

import pulumi
from pulumi.dynamic import DiffResult

from components.providers.base import ProvidedResource, Provider, changed, require_present
from components.providers.engine_log import this_run
from model.aggregated_api import AggregatedApi as Described
from model.pki import certificates, serving
from model.pki.certificates import KeyPair, KeyPairProps
from ops.kube import aggregated_api
from ops.kube.errors import ApiError, Unavailable
from ops.kube.identity import Identity, connect

# A change of one of these is a reason for another certificate and registration.
CAUSES = ("identity", "init", "issuer", "authorities", "valid_seconds")


class ApiProps(TypedDict):
    """The API, as model/aggregated_api.py describes it."""

    group: str
    version: str
    namespace: str
    service: str


class Certified(TypedDict):
    """An API and how its certificate is issued.

    `issuer` names the key that signs (model/pki/leaves.py), and `authorities` are the CAs that are
    trusted.
    """

    identity: Identity
    init: str
    api: ApiProps
    issuer: str
    authorities: str
    valid_seconds: float


class AggregatedApiInputs(Certified):
    """What the provider gets.

    `authority` is the one that signs, and `chain` what its certificates are shown with.
    """

    authority: KeyPairProps
    chain: str


class AggregatedApiState(Certified):
    """The certificate, and the digest of what was written; "" if that was found to differ."""

    certificate: str
    digest: str


class AggregatedApiProvider(Provider[AggregatedApiInputs, AggregatedApiState]):
    """Issues serving certificates of aggregated APIs and registers them."""

    given = ("authority", "chain")

    def _create(self, inputs: AggregatedApiInputs) -> AggregatedApiState:
        """Issue the certificate and register the API."""
        return _register(inputs)

    def _diff(self, olds: AggregatedApiState, news: AggregatedApiInputs) -> DiffResult:
        """Compare what was written with what is wanted, and judge the certificate."""
        require_present(news, ("api", *CAUSES))
        is_due = certificates.is_due(olds["certificate"]) and not this_run().is_preview
        is_different = bool(changed(olds, news, CAUSES)) or not olds["digest"]
        replaces = ["api"] if dict(olds["api"]) != dict(news["api"]) else []
        return DiffResult(
            changes=bool(replaces) or is_different or is_due,
            replaces=replaces,
            delete_before_replace=True,
        )

    def _read(self, state: AggregatedApiState) -> AggregatedApiState:
        """Notice a Secret or a registration that is missing or was edited."""
        client = connect(state["identity"])
        try:
            found = aggregated_api.is_written(client, Described(**state["api"]), state["digest"])
        except Unavailable:
            return state
        except ApiError as error:
            raise client.explain("reading the registration of an API", error) from None
        return state if found else {**state, "digest": ""}

    def _update(self, _olds: AggregatedApiState, news: AggregatedApiInputs) -> AggregatedApiState:
        """Issue another certificate and register the API again."""
        return _register(news)

    def _delete(self, state: AggregatedApiState) -> None:
        """Remove the registration and the Secret."""
        client = connect(state["identity"])
        api = Described(**state["api"])
        client.retry(
            f"removing the registration of {api.group}", lambda: aggregated_api.remove(client, api)
        )


def _register(inputs: AggregatedApiInputs) -> AggregatedApiState:
    api, pair = Described(**inputs["api"]), issue(inputs)
    digest = aggregated_api.write(
        connect(inputs["identity"]), api, pair, inputs["chain"], inputs["authorities"]
    )
    return state_of(inputs, pair, digest)


def issue(inputs: AggregatedApiInputs) -> KeyPair:
    """Issue the certificate."""
    host = Described(**inputs["api"]).host
    valid = timedelta(seconds=inputs["valid_seconds"])
    return serving.issue_for(KeyPair(**inputs["authority"]), host, valid)


def state_of(inputs: AggregatedApiInputs, pair: KeyPair, digest: str) -> AggregatedApiState:
    """Return the state after the certificate was written."""
    return {
        "identity": inputs["identity"],
        "init": inputs["init"],
        "api": inputs["api"],
        "issuer": inputs["issuer"],
        "authorities": inputs["authorities"],
        "valid_seconds": inputs["valid_seconds"],
        "certificate": pair.cert_pem,
        "digest": digest,
    }


@dataclass(frozen=True)
class AggregatedApiArgs:
    """An API and what its certificate is issued by; see `AggregatedApiInputs`."""

    identity: pulumi.Input[Identity]
    init: pulumi.Input[str]
    api: ApiProps
    issuer: pulumi.Input[str]
    authorities: pulumi.Input[str]
    valid_seconds: float
    authority: pulumi.Output[KeyPairProps]
    chain: pulumi.Input[str]


class AggregatedApi(ProvidedResource, module="kubeadm-fleet", name="AggregatedApi"):
    """An API that a Service serves: its serving `certificate` (PEM)."""

    certificate: pulumi.Output[str]

    def __init__(self, name: str, args: AggregatedApiArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(AggregatedApiProvider(), name, args, opts)
