"""Flags and volumes of the control plane's components that are the same in every cluster.

scripts/node/leaves.sh writes the certificates that they name.
"""

from typing import Any

from model.render.node_paths import API_SERVER_FOLDER, AUTHENTICATION_FILE, CLIENT_CA_FILE

_PKI = "/etc/kubernetes/pki"
SCHEDULER_FOLDER = "/etc/kubernetes/scheduler"

API_SERVER = {
    "authentication-config": AUTHENTICATION_FILE,
    # A stopping API server sends its clients elsewhere and exits. Without this flag it accepts no
    # more connections but lingers for up to a minute (30 s under the kubelet) while there are
    # watches, and there always are.
    "shutdown-send-retry-after": "true",
    # kubeadm's own file is the kubelets', too, which accept no people.
    "client-ca-file": CLIENT_CA_FILE,
    # Machines join with certificates; kubeadm would have any token accepted.
    "enable-bootstrap-token-auth": "false",
    "tls-cert-file": f"{_PKI}/apiserver.pem",
    "tls-private-key-file": f"{_PKI}/apiserver.pem",
    "etcd-certfile": f"{_PKI}/apiserver-etcd-client.pem",
    "etcd-keyfile": f"{_PKI}/apiserver-etcd-client.pem",
    # Kubelets have their certificates (model/pki/serving.py) before they start.
    "kubelet-certificate-authority": f"{_PKI}/ca.crt",
    "kubelet-client-certificate": f"{_PKI}/apiserver-kubelet-client.pem",
    "kubelet-client-key": f"{_PKI}/apiserver-kubelet-client.pem",
    "proxy-client-cert-file": f"{_PKI}/front-proxy-client.pem",
    "proxy-client-key-file": f"{_PKI}/front-proxy-client.pem",
}
CONTROLLER_MANAGER = {
    # It signs with a file of exactly one certificate; kubeadm's own has more during a rotation.
    "cluster-signing-cert-file": f"{_PKI}/signer.pem",
    "cluster-signing-key-file": f"{_PKI}/signer.pem",
    # What it publishes for pods; kubeadm's own file is in another order after a switch.
    "root-ca-file": f"{_PKI}/root-ca.crt",
}
ETCD = {
    "cert-file": f"{_PKI}/etcd/server.pem",
    "key-file": f"{_PKI}/etcd/server.pem",
    "peer-cert-file": f"{_PKI}/etcd/peer.pem",
    "peer-key-file": f"{_PKI}/etcd/peer.pem",
}


def api_server_volumes() -> list[dict[str, Any]]:
    """Return the volume with the API server's configuration files."""
    return [_directory("configuration", API_SERVER_FOLDER)]


def scheduler_volumes() -> list[dict[str, Any]]:
    """Return the volume with the files that the scheduler's kubeconfig names."""
    return [_directory("client", SCHEDULER_FOLDER)]


def _directory(name: str, path: str) -> dict[str, Any]:
    """Return a volume of a directory, at the same path in the container.

    In a file that is mounted by itself, a replacement on the host is never seen.
    """
    return {
        "name": name,
        "hostPath": path,
        "mountPath": path,
        "readOnly": True,
        "pathType": "Directory",
    }
