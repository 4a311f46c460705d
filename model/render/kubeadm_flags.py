"""Flags and volumes of the control plane's components that are the same in every cluster.

scripts/node/leaves.sh writes the certificates that they name.
"""

from typing import Any

from model.render.node_paths import CLIENT_CA_FILE

_PKI = "/etc/kubernetes/pki"
SCHEDULER_FOLDER = "/etc/kubernetes/scheduler"

API_SERVER = {
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
ETCD = {
    "cert-file": f"{_PKI}/etcd/server.pem",
    "key-file": f"{_PKI}/etcd/server.pem",
    "peer-cert-file": f"{_PKI}/etcd/peer.pem",
    "peer-key-file": f"{_PKI}/etcd/peer.pem",
}


def scheduler_volumes() -> list[dict[str, Any]]:
    """Return the volume with the files that the scheduler's kubeconfig names.

    A directory: in a file that is mounted by itself, a replacement on the host is never seen.
    """
    return [
        {
            "name": "client",
            "hostPath": SCHEDULER_FOLDER,
            "mountPath": SCHEDULER_FOLDER,
            "readOnly": True,
            "pathType": "Directory",
        }
    ]
