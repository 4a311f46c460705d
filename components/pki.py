"""The PKI of one cluster: its CAs, its service-account keys and the administrator's credentials.

The program generates all of it, so no credential comes from a node. A changed common name or
validity replaces a CA; the administrator's certificate is reissued in place after two thirds of its
lifetime. Delete drops all of it from the state.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pulumi

from components.providers.certificate_authority import (
    CertificateAuthority,
    CertificateAuthorityArgs,
    ServiceAccountKey,
)
from components.providers.client_certificate import ClientCertificate, ClientCertificateArgs
from components.sdk import value_of
from model.fleet import Cluster, Machine
from model.pki import certificates, serving
from model.pki.certificates import KeyPair, KeyPairProps
from model.render import kubeconfig as kubeconfigs
from ops.kube import identity
from ops.kube.identity import Identity

AUTHORITY_DAYS = 3650
ADMIN_HOURS = 365 * 24
# kubeadm binds this group to cluster-admin; unlike system:masters it can be unbound again.
# https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
ADMIN_GROUP = "kubeadm:cluster-admins"


@dataclass(frozen=True)
class PkiArgs:
    """The cluster that it is for."""

    cluster: Cluster


class Pki(pulumi.ComponentResource):
    """CAs (`cluster`, `etcd`, `front_proxy`), `service_account` keys and the `admin`.

    `identity` is what other resources hold instead of the administrator's credential.
    """

    def __init__(
        self, name: str, args: PkiArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kubeadm-fleet:pki:Pki", name, None, opts)
        cluster = args.cluster
        # Machines of the prod stack are protected, and so is the PKI that they depend on.
        child = pulumi.ResourceOptions(parent=self, protect=cluster.protect)
        self._cluster = cluster
        self.cluster = self._authority("ca", "kubernetes", child)
        self.etcd = self._authority("etcd-ca", "etcd-ca", child)
        self.front_proxy = self._authority("front-proxy-ca", "front-proxy-ca", child)
        self.service_account = ServiceAccountKey(f"{cluster.name}-service-account", opts=child)
        self.admin = ClientCertificate(
            f"{cluster.name}-admin",
            ClientCertificateArgs(
                authority_certificate=self.cluster.certificate,
                authority_key=self.cluster.private_key,
                common_name="kubeadm-fleet-admin",
                organizations=[ADMIN_GROUP],
                valid_hours=ADMIN_HOURS,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.identity = self._saved_identity()
        self.register_outputs({"fingerprint": self.cluster.fingerprint})

    @property
    def context(self) -> pulumi.Output[kubeconfigs.Context]:
        """The administrator's context for this cluster."""
        return self._credential.apply(self._context)

    @property
    def authority(self) -> pulumi.Output[KeyPairProps]:
        """The cluster's CA with its key, for what issues certificates in a run; secret."""
        pems = pulumi.Output.all(self.cluster.certificate, self.cluster.private_key)
        return pulumi.Output.secret(
            pems.apply(lambda known: KeyPairProps(cert_pem=known[0], key_pem=known[1]))
        )

    def join_credential(self, node: str, *, after: pulumi.CustomResource) -> pulumi.Output[str]:
        """Return the credential with which a machine joins as this Node, and nothing else; secret.

        It is valid for minutes, so each run issues another one, once `after` is done. The step that
        joins is given it; no state holds it.
        """
        return self._issued(after, lambda authority: certificates.join_credential(authority, node))

    def serving_pair(self, machine: Machine, *, after: pulumi.CustomResource) -> pulumi.Output[str]:
        """Return the certificate and key that a machine's kubelet serves with; secret.

        Like the credential to join with, it is issued in each run, once `after` is done, and in no
        state.
        """
        valid = self._cluster.lifetimes.kubelet_serving
        return self._issued(
            after,
            lambda authority: serving.issue(authority, machine.name, machine.address, valid),
        )

    @property
    def issuer_key(self) -> pulumi.Output[str]:
        """The identifier of the key that signs the cluster's certificates."""
        return value_of(self.cluster.certificate).apply(certificates.key_identifier)

    def _issued(
        self,
        after: pulumi.CustomResource,
        issue: Callable[[KeyPair], KeyPair],
    ) -> pulumi.Output[str]:
        """Return a certificate and its key, issued once `after` is done."""
        parts = pulumi.Output.all(
            value_of(self.cluster.certificate),
            value_of(self.cluster.private_key),
            value_of(after.id),
        )
        return parts.apply(lambda known: issue(KeyPair(*known[:2])).pem)

    @property
    def _credential(self) -> pulumi.Output[list[str]]:
        return pulumi.Output.all(
            self.cluster.certificate, self.admin.certificate, self.admin.private_key
        )

    def _context(self, pems: list[str]) -> kubeconfigs.Context:
        authority, certificate, key = pems
        return kubeconfigs.Context(
            cluster=self._cluster.name,
            server=self._cluster.server,
            ca_pem=authority,
            client_cert_pem=certificate,
            client_key_pem=key,
        )

    def _saved_identity(self) -> pulumi.Output[Identity]:
        """Return the reference to the credential, which is on this host from then on.

        A preview of its renewal knows the reference, but not the credential: it saves nothing.
        """
        stack = pulumi.get_stack()

        def save(known: list[Any]) -> Identity:
            fingerprint, pems = known
            reference: Identity = {
                "stack": stack,
                "cluster": self._cluster.name,
                "server": self._cluster.server,
                "authority": fingerprint,
            }
            if not pulumi.contains_unknowns(known):
                identity.save(reference, kubeconfigs.render([self._context(pems)]))
            return reference

        parts = pulumi.Output.all(self.cluster.fingerprint, self._credential)
        return pulumi.Output.unsecret(parts.apply(save, run_with_unknowns=True))

    def _authority(
        self, suffix: str, common_name: str, opts: pulumi.ResourceOptions
    ) -> CertificateAuthority:
        return CertificateAuthority(
            f"{self._cluster.name}-{suffix}",
            CertificateAuthorityArgs(common_name=common_name, valid_days=AUTHORITY_DAYS),
            opts,
        )
