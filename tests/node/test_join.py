"""Who may join a cluster, and what a machine does not join."""

import time
from base64 import b64encode
from datetime import timedelta

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from model.pki import certificates
from model.pki.certificates import KeyPair
from ops.kube import client
from ops.kube.client import Client
from ops.kube.errors import ApiError
from tests.node.cluster import Member

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(300)]

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
SECRETS = "/api/v1/namespaces/kube-system/secrets"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"


def authority(control_plane: Member) -> KeyPair:
    pki = control_plane.root / "etc/kubernetes/pki"
    return KeyPair((pki / "ca.crt").read_text(), (pki / "ca.key").read_text())


def administrator(control_plane: Member) -> Client:
    return client.of((control_plane.root / "etc/kubernetes/admin.conf").read_text())


def joining(control_plane: Member, node: str) -> Client:
    """The API for the holder of a Node's join credential."""
    pair = certificates.join_credential(authority(control_plane), node)
    given = yaml.safe_load((control_plane.root / "etc/kubernetes/admin.conf").read_text())
    data = {
        "client-certificate-data": b64encode(pair.cert_pem.encode()).decode(),
        "client-key-data": b64encode(pair.key_pem.encode()).decode(),
    }
    given["users"] = [{"name": given["contexts"][0]["context"]["user"], "user": data}]
    return client.of(yaml.safe_dump(given))


def request(name: str, node: str) -> dict[str, object]:
    """A request for the kubelet's certificate of this Node."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:nodes"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"system:node:{node}"),
        ]
    )
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    signed = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": {
            "request": b64encode(signed.public_bytes(serialization.Encoding.PEM)).decode(),
            "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
            "usages": ["digital signature", "client auth"],
        },
    }


def test_a_request_for_another_node_is_refused(control_plane: Member) -> None:
    api = joining(control_plane, "new-worker")
    with pytest.raises(ApiError, match="can only create a node CSR with CN=system:node:new-worker"):
        api.create(REQUESTS, request("forged", control_plane.name))
    api.create(REQUESTS, request("own", "new-worker"))
    deadline = time.monotonic() + 30
    while "certificate" not in api.get(f"{REQUESTS}/own")["status"]:
        assert time.monotonic() < deadline, "the Node's own request was not approved"
        time.sleep(0.2)
    assert api.find(f"{REQUESTS}/forged") is None


def test_nothing_is_left_of_bootstrap_tokens(control_plane: Member) -> None:
    api = administrator(control_plane)
    for name in ("kubelet-bootstrap", "node-autoapprove-bootstrap", "get-nodes"):
        assert api.find(f"{BINDINGS}/kubeadm:{name}") is None
    assert api.find("/api/v1/namespaces/kube-public/configmaps/cluster-info") is None
    assert not (control_plane.root / "etc/kubernetes/super-admin.conf").exists()


def test_a_bootstrap_token_is_not_accepted(control_plane: Member) -> None:
    secret = {
        "metadata": {"name": "bootstrap-token-abcdef"},
        "type": "bootstrap.kubernetes.io/token",
        "stringData": {
            "token-id": "abcdef",
            "token-secret": "0123456789abcdef",
            "usage-bootstrap-authentication": "true",
        },
    }
    api = administrator(control_plane)
    api.create(SECRETS, secret)
    try:
        asked = control_plane.shell(
            "curl --silent --cacert /etc/kubernetes/pki/ca.crt --write-out '%{http_code}' "
            "--output /dev/null --header 'Authorization: Bearer abcdef.0123456789abcdef' "
            f"https://{control_plane.spec.bare_address}:6443/api/v1/nodes"
        )
    finally:
        api.delete(f"{SECRETS}/bootstrap-token-abcdef")
    assert asked == "401"


def test_a_cluster_with_another_ca_is_not_joined(worker: Member) -> None:
    foreign = certificates.new_authority("kubernetes", timedelta(days=1))
    credential = certificates.join_credential(foreign, worker.name)
    before = (worker.root / "etc/kubernetes/kubelet.conf").read_bytes()
    ended = worker.step(
        "worker",
        ENDPOINT=yaml.safe_load(before)["clusters"][0]["cluster"]["server"].removeprefix(
            "https://"
        ),
        ENDPOINT_DEADLINE="3",
        CA_CERTIFICATE=foreign.cert_pem,
        MEMBERSHIP="another cluster",
        JOIN_CREDENTIAL=credential.cert_pem + credential.key_pem,
        JOIN_DOCUMENTS="",
    )
    assert ended.status != 0
    assert "SSL certificate problem" in ended.err, ended.err
    assert (worker.root / "etc/kubernetes/kubelet.conf").read_bytes() == before
