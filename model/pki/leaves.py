"""The leaf certificates of a control plane: where each is read, and which CA issues it.

scripts/node/leaves.sh has the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from model.pki.machine_certificates import MachineCertificates, is_authority, issuer_key
from model.rotation_phases import CA, ETCD_CA, FRONT_PROXY_CA

# The kubelet's client certificate, as scripts/node/validity.sh names it.
KUBELET_CLIENT = "kubelet-client"
CROSS_SIGNED = " cross-signed"


@dataclass(frozen=True)
class Leaf:
    """A leaf: the file from which its readers have it, and the name of its CA.

    `shows_chain` says that it is shown together with a cross-signed certificate of its CA.
    """

    path: str
    authority: str
    shows_chain: bool = True


LEAVES: Mapping[str, Leaf] = {
    "etcd-server": Leaf("/etc/kubernetes/pki/etcd/server.pem", ETCD_CA),
    "etcd-peer": Leaf("/etc/kubernetes/pki/etcd/peer.pem", ETCD_CA),
    "etcd-healthcheck-client": Leaf("/etc/kubernetes/pki/etcd/healthcheck-client.crt", ETCD_CA),
    "apiserver": Leaf("/etc/kubernetes/pki/apiserver.pem", CA),
    "apiserver-etcd-client": Leaf("/etc/kubernetes/pki/apiserver-etcd-client.pem", ETCD_CA),
    "apiserver-kubelet-client": Leaf("/etc/kubernetes/pki/apiserver-kubelet-client.pem", CA),
    "front-proxy-client": Leaf("/etc/kubernetes/pki/front-proxy-client.pem", FRONT_PROXY_CA),
    "controller-manager.conf": Leaf("/etc/kubernetes/pki/controller-manager.pem", CA),
    "scheduler.conf": Leaf("/etc/kubernetes/scheduler/client.pem", CA),
    "admin.conf": Leaf("/etc/kubernetes/admin.conf", CA, shows_chain=False),
    KUBELET_CLIENT: Leaf("/var/lib/kubelet/pki/kubelet-client-current.pem", CA, shows_chain=False),
}


def issuers(found: MachineCertificates) -> dict[str, str]:
    """Return the issuer of each leaf that a machine has: the identifier of that CA's key.

    One that is shown together with a cross-signed certificate is marked.
    """
    known = {}
    for name, leaf in LEAVES.items():
        if (issuer := issuer_at(found, leaf.path)) is not None:
            known[name] = issuer if leaf.shows_chain else key_of(issuer)
    return known


def key_of(issuer: str) -> str:
    """Return an issuer without the mark."""
    return issuer.removesuffix(CROSS_SIGNED)


def has_chain(issuer: str) -> bool:
    """Whether the mark says that a certificate is shown with its CA's chain to the former CA."""
    return issuer.endswith(CROSS_SIGNED)


def issuer_at(found: MachineCertificates, path: str) -> str | None:
    """Return the issuer of the leaf in a file, marked if a CA is in it, too."""
    if (its := found.at(path)) is None:
        return None
    return issuer_key(its) + (CROSS_SIGNED if any(map(is_authority, found.all_at(path))) else "")


def wanted(name: str, signers: Mapping[str, str]) -> str:
    """Return the desired issuer of a leaf, given those of all CAs, marked in the same way."""
    leaf = LEAVES[name]
    signer = signers[leaf.authority]
    return signer if leaf.shows_chain else key_of(signer)


def signer(key: str, chain: str) -> str:
    """Return the issuer of a CA's leaves by the identifier of its key, and its chain, if any."""
    return key + (CROSS_SIGNED if chain else "")
