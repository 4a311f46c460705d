"""A client certificate issued by a cluster's CA.

Create issues it. An `up` reissues it in place when its subject, its lifetime or its CA changed, or
after two thirds of its lifetime: since that is due by the clock alone, a preview does not show it.
Delete drops it from the state (Kubernetes does not revoke certificates). The CA is given to the run
alone: in the state, and in a preview that rotates the CA, it is known by its `issuer`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypedDict

import pulumi
from pulumi.dynamic import DiffResult

from components.providers.base import ProvidedResource, Provider, changed
from components.providers.engine_log import this_run
from model.pki import certificates
from model.pki.certificates import KeyPair, KeyPairProps

SUBJECT = ("common_name", "organizations", "valid_seconds", "issuer")


class ClientCertificateInputs(TypedDict):
    """The certificate as the provider gets it."""

    issuer: str
    authority: KeyPairProps
    common_name: str
    organizations: list[str]
    valid_seconds: float


class ClientCertificateState(TypedDict):
    """The certificate as it was issued."""

    issuer: str
    common_name: str
    organizations: list[str]
    valid_seconds: float
    certificate: str
    private_key: str
    expires: str


class ClientCertificateProvider(Provider[ClientCertificateInputs, ClientCertificateState]):
    """Issues client certificates."""

    given = ("authority",)

    def _create(self, inputs: ClientCertificateInputs) -> ClientCertificateState:
        """Issue the certificate."""
        return _issue(inputs)

    def _diff(self, olds: ClientCertificateState, news: ClientCertificateInputs) -> DiffResult:
        """Decide whether the certificate must be reissued."""
        is_due = _is_due(olds) and not this_run().is_preview
        return DiffResult(changes=bool(changed(olds, news, SUBJECT)) or is_due)

    def _update(
        self, _olds: ClientCertificateState, news: ClientCertificateInputs
    ) -> ClientCertificateState:
        """Reissue the certificate."""
        return _issue(news)


def _issue(inputs: ClientCertificateInputs) -> ClientCertificateState:
    pair = certificates.issue_client(
        KeyPair(**inputs["authority"]),
        inputs["common_name"],
        list(inputs["organizations"]),
        timedelta(seconds=inputs["valid_seconds"]),
    )
    return {
        "issuer": inputs["issuer"],
        "common_name": inputs["common_name"],
        "organizations": inputs["organizations"],
        "valid_seconds": inputs["valid_seconds"],
        "certificate": pair.cert_pem,
        "private_key": pair.key_pem,
        "expires": certificates.expiry(pair.cert_pem).isoformat(),
    }


def _is_due(state: ClientCertificateState) -> bool:
    left = datetime.fromisoformat(state["expires"]) - datetime.now(UTC)
    return left < timedelta(seconds=state["valid_seconds"]) / 3


@dataclass(frozen=True)
class ClientCertificateArgs:
    """A certificate: the CA that issues it, its subject and its lifetime.

    `issuer` changes with the CA's key.
    """

    issuer: pulumi.Output[str]
    authority: pulumi.Output[KeyPairProps]
    common_name: str
    organizations: list[str]
    valid_seconds: float


class ClientCertificate(ProvidedResource, module="kubeadm-fleet", name="ClientCertificate"):
    """A client certificate: `certificate` (PEM), `private_key` (PEM, secret), `expires` (ISO)."""

    certificate: pulumi.Output[str]
    private_key: pulumi.Output[str]
    expires: pulumi.Output[str]

    def __init__(
        self, name: str, args: ClientCertificateArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        options = pulumi.ResourceOptions(additional_secret_outputs=["private_key"])
        super().__init__(
            ClientCertificateProvider(), name, args, pulumi.ResourceOptions.merge(opts, options)
        )
