"""The PKI of one cluster: its CAs, its service-account keys and the administrator's credentials.

The program generates all of it, so no credential comes from a node. A changed common name replaces
a CA; the administrator's certificate is reissued in place after two thirds of its lifetime. Delete
drops all of it from the state.

The program uses another certificate than the administrator, and keeps it on its host: in a state it
could expire before the run that renews it, and only a CA's key is needed to issue another.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pulumi

from components.providers.certificate_authority import (
    CertificateAuthority,
    CertificateAuthorityArgs,
    ServiceAccountKey,
    ServiceAccountKeyArgs,
)
from components.providers.client_certificate import ClientCertificate, ClientCertificateArgs
from components.providers.encryption_keys import EncryptionKeys, EncryptionKeysArgs
from components.sdk import value_of
from model.fleet import Cluster
from model.machine import Machine
from model.pki import account_tokens, certificates, leaves, serving, trust, users
from model.pki.certificates import KeyPair, KeyPairProps
from model.render import kubeconfig as kubeconfigs
from model.rotation_phases import (
    CA,
    ENCRYPTION,
    ETCD_CA,
    FRONT_PROXY_CA,
    SERVICE_ACCOUNT,
    SWITCH,
)
from ops.kube import identity
from ops.kube.identity import Identity


@dataclass(frozen=True)
class PkiArgs:
    """The cluster that it is for."""

    cluster: Cluster


class Pki(pulumi.ComponentResource):
    """CAs (`cluster`, `etcd`, `front_proxy`), the `service_account` key and the `admin`.

    `encryption` are the keys that encrypt Secrets in etcd.

    `identity` is what other resources hold instead of the program's credential.
    """

    def __init__(
        self, name: str, args: PkiArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kubeadm-fleet:pki:Pki", name, None, opts)
        cluster = args.cluster
        # Machines of the prod stack are protected, and so is the PKI that they depend on.
        child = pulumi.ResourceOptions(parent=self, protect=cluster.protect)
        self._cluster = cluster
        phases = cluster.rotations
        self.cluster = self._authority(CA, "kubernetes", phases.ca, child)
        self.etcd = self._authority(ETCD_CA, ETCD_CA, phases.etcd_ca, child)
        self.front_proxy = self._authority(
            FRONT_PROXY_CA, FRONT_PROXY_CA, phases.front_proxy_ca, child
        )
        self.service_account = ServiceAccountKey(
            f"{cluster.name}-{SERVICE_ACCOUNT}",
            ServiceAccountKeyArgs(phases.service_account),
            child,
        )
        self.encryption = EncryptionKeys(
            f"{cluster.name}-{ENCRYPTION}",
            EncryptionKeysArgs(cluster.name, phases.encryption),
            child,
        )
        self.admin = ClientCertificate(
            f"{cluster.name}-admin",
            ClientCertificateArgs(
                issuer=pulumi.Output.format("{0} {1:.0f}", self.cluster.id, self.cluster.signer),
                authority=self.authority,
                common_name=users.ADMINISTRATOR,
                organizations=[users.CLUSTER_ADMINS],
                valid_seconds=cluster.lifetimes.admin.total_seconds(),
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.identity = self._identity()
        self.register_outputs({"fingerprint": self.cluster.fingerprint})

    @property
    def context(self) -> pulumi.Output[kubeconfigs.Context]:
        """The administrator's context for this cluster."""
        return pulumi.Output.all(
            self.cluster.bundle, self.admin.certificate, self.admin.private_key
        ).apply(self._context)

    @property
    def authority(self) -> pulumi.Output[KeyPairProps]:
        """The cluster's CA with its key, for what issues certificates in a run; secret."""
        pems = pulumi.Output.all(self.cluster.certificate, self.cluster.private_key)
        return pulumi.Output.secret(
            pems.apply(lambda known: KeyPairProps(cert_pem=known[0], key_pem=known[1]))
        )

    def join_credential(self, node: str, *, after: pulumi.Output[Any]) -> pulumi.Output[str]:
        """Return the credential with which a machine joins as this Node, and nothing else; secret.

        It is valid for minutes, so each run issues another one, once `after` is known. The step
        that joins is given it; no state holds it.
        """
        return self._issued(after, lambda authority: certificates.join_credential(authority, node))

    def serving_pair(self, machine: Machine, *, after: pulumi.Output[Any]) -> pulumi.Output[str]:
        """Return the certificate and key that a machine's kubelet serves with; secret.

        Like the credential to join with, it is issued in each run, once `after` is known, and in no
        state.
        """
        valid = self._cluster.lifetimes.kubelet_serving
        issued = self._issued(
            after,
            lambda authority: serving.issue(authority, machine.name, machine.address, valid),
        )
        return pulumi.Output.concat(issued, value_of(self.cluster.chain))

    @property
    def issuer_key(self) -> pulumi.Output[str]:
        """The identifier of the key that signs the cluster's certificates."""
        return value_of(self.cluster.certificate).apply(certificates.key_identifier)

    @property
    def signers(self) -> pulumi.Output[dict[str, str]]:
        """What is in new leaf certificates and tokens of who issued them, by subject."""
        authorities = {
            CA: self.cluster,
            ETCD_CA: self.etcd,
            FRONT_PROXY_CA: self.front_proxy,
        }
        key = value_of(self.service_account.public_key).apply(account_tokens.key_id)
        return pulumi.Output.all(
            **{SERVICE_ACCOUNT: key},
            **{name: _signer(its) for name, its in authorities.items()},
        )

    @property
    def signer(self) -> pulumi.Output[str]:
        """What `signers` has of the cluster's CA: a preview of another rotation knows it."""
        return _signer(self.cluster)

    @property
    def trust(self) -> dict[str, pulumi.Output[str]]:
        """The CAs and keys of a control plane, as settings of scripts/node/pki.sh."""
        authorities = {
            "CA": self.cluster,
            "ETCD_CA": self.etcd,
            "FRONT_PROXY_CA": self.front_proxy,
        }
        settings = {
            "SERVICE_ACCOUNT_KEY": self.service_account.private_key,
            "SERVICE_ACCOUNT_PUBLIC_KEY": self.service_account.bundle,
            "ROOT_CA_CERTIFICATE": self.cluster.bundle.apply(trust.in_fixed_order),
        }
        for name, its in authorities.items():
            settings |= {
                f"{name}_CERTIFICATE": its.bundle,
                f"{name}_KEY": its.private_key,
                f"{name}_CHAIN": its.chain,
            }
        return settings

    def _issued(
        self,
        after: pulumi.Output[Any],
        issue: Callable[[KeyPair], KeyPair],
    ) -> pulumi.Output[str]:
        """Return a certificate and its key, issued once `after` is known."""
        parts = pulumi.Output.all(
            value_of(self.cluster.certificate),
            value_of(self.cluster.private_key),
            value_of(after),
        )
        return parts.apply(lambda known: issue(KeyPair(*known[:2])).pem)

    def _context(self, pems: list[str]) -> kubeconfigs.Context:
        authority, certificate, key = pems
        return kubeconfigs.Context(
            cluster=self._cluster.name,
            server=self._cluster.server,
            ca_pem=authority,
            client_cert_pem=certificate,
            client_key_pem=key,
        )

    def _identity(self) -> pulumi.Output[Identity]:
        """Return the reference to the program's credential, which is on this host from then on.

        A preview that creates or rotates the CA knows the reference at most, and issues nothing.
        During a rotation the predecessor issues it: machines trust it whichever phase they are in.
        """
        stack, its = pulumi.get_stack(), self.cluster
        is_switched = self._cluster.rotations.ca == SWITCH
        issuer = (
            (its.other_certificate, its.other_private_key)
            if is_switched
            else (its.certificate, its.private_key)
        )

        def issue(known: list[Any]) -> Identity:
            authority_id, trusted, *authority = known
            reference: Identity = {
                "stack": stack,
                "cluster": self._cluster.name,
                "server": self._cluster.server,
                "authority": authority_id,
            }
            if not pulumi.contains_unknowns(known):
                identity.ensure(reference, KeyPair(*authority), trusted)
            return reference

        parts = pulumi.Output.all(its.id, its.bundle, *issuer)
        return pulumi.Output.unsecret(parts.apply(issue, run_with_unknowns=True))

    def _authority(
        self, suffix: str, common_name: str, phase: str, opts: pulumi.ResourceOptions
    ) -> CertificateAuthority:
        return CertificateAuthority(
            f"{self._cluster.name}-{suffix}",
            CertificateAuthorityArgs(
                common_name=common_name,
                valid_seconds=self._cluster.lifetimes.authorities.total_seconds(),
                phase=phase,
            ),
            opts,
        )


def _signer(authority: CertificateAuthority) -> pulumi.Output[str]:
    return value_of(pulumi.Output.all(authority.certificate, authority.chain)).apply(
        lambda known: leaves.signer(certificates.key_identifier(known[0]), known[1])
    )
