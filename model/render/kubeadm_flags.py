"""Flags of the control plane's components that do not depend on settings.

scripts/node/leaves.sh writes the certificates that they name.
"""

from model.render.node_paths import AUTHENTICATION_FILE, CLIENT_CA_FILE

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
# How long an API server that got SIGTERM serves on, until every load balancer of its cluster
# sends its clients elsewhere (load_balancer.py).
NOTICE_SECONDS = 3
BALANCED_API_SERVER = {"shutdown-delay-duration": f"{NOTICE_SECONDS}s"}
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
