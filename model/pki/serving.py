"""The serving certificates of kubelets, which the program issues for the cluster's API servers.

One names a machine's Node and address and nothing else: a machine cannot pass for another one. It
is good for servers only, and its subject is no user, so the API accepts it from no client.
"""

from datetime import timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from model.pki.certificates import KeyPair, issue_leaf


def issue(authority: KeyPair, node: str, address: str, valid: timedelta) -> KeyPair:
    """Issue the serving certificate of a Node's kubelet."""
    names = [x509.DNSName(node), x509.IPAddress(ip_address(address))]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node)])
    return issue_leaf(authority, subject, ExtendedKeyUsageOID.SERVER_AUTH, valid, names=names)
