"""The flags that kubeadm gives components by itself, in the versions of model/pins.py.

As `kubeadm init phase control-plane all --dry-run` renders them; a test compares. What the config
sets replaces them. https://github.com/kubernetes/kubernetes/tree/master/cmd/kubeadm/app/phases
"""

from model.consistency.facts import API_SERVER, CONTROLLER_MANAGER, ETCD, SCHEDULER
from model.consistency.own_values import (
    ADDRESS,
    CLUSTER_NAME,
    CONTROL_PLANE,
    DOMAIN,
    NAME,
    POD_SUBNET,
    SERVICE_SUBNET,
)

_PKI = "/etc/kubernetes/pki"
_CONTROLLER_MANAGER_CONF = "/etc/kubernetes/controller-manager.conf"
_SCHEDULER_CONF = "/etc/kubernetes/scheduler.conf"

FLAGS = {
    API_SERVER: {
        "advertise-address": ADDRESS,
        "allow-privileged": "true",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "etcd-cafile": f"{_PKI}/etcd/ca.crt",
        "etcd-servers": "https://127.0.0.1:2379",
        "kubelet-preferred-address-types": "InternalIP,ExternalIP,Hostname",
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-client-ca-file": f"{_PKI}/front-proxy-ca.crt",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-username-headers": "X-Remote-User",
        "secure-port": "6443",
        "service-account-issuer": f"https://kubernetes.default.svc.{DOMAIN}",
        "service-account-key-file": f"{_PKI}/sa.pub",
        "service-account-signing-key-file": f"{_PKI}/sa.key",
        "service-cluster-ip-range": SERVICE_SUBNET,
    },
    CONTROLLER_MANAGER: {
        "allocate-node-cidrs": "true",
        "authentication-kubeconfig": _CONTROLLER_MANAGER_CONF,
        "authorization-kubeconfig": _CONTROLLER_MANAGER_CONF,
        "bind-address": "127.0.0.1",
        "client-ca-file": f"{_PKI}/ca.crt",
        "cluster-cidr": POD_SUBNET,
        "cluster-name": CLUSTER_NAME,
        "controllers": "*,bootstrapsigner,tokencleaner",
        "kubeconfig": _CONTROLLER_MANAGER_CONF,
        "leader-elect": "true",
        "requestheader-client-ca-file": f"{_PKI}/front-proxy-ca.crt",
        "service-account-private-key-file": f"{_PKI}/sa.key",
        "service-cluster-ip-range": SERVICE_SUBNET,
        "use-service-account-credentials": "true",
    },
    SCHEDULER: {
        "authentication-kubeconfig": _SCHEDULER_CONF,
        "authorization-kubeconfig": _SCHEDULER_CONF,
        "bind-address": "127.0.0.1",
        "kubeconfig": _SCHEDULER_CONF,
        "leader-elect": "true",
    },
    ETCD: {
        "advertise-client-urls": f"https://{ADDRESS}:2379",
        "client-cert-auth": "true",
        "data-dir": "/var/lib/etcd",
        "feature-gates": "InitialCorruptCheck=true",
        "initial-advertise-peer-urls": f"https://{ADDRESS}:2380",
        "initial-cluster": CONTROL_PLANE,
        "initial-cluster-state": "new or existing",
        "listen-client-urls": f"https://127.0.0.1:2379,https://{ADDRESS}:2379",
        "listen-metrics-urls": "http://127.0.0.1:2381",
        "listen-peer-urls": f"https://{ADDRESS}:2380",
        "name": NAME,
        "peer-client-cert-auth": "true",
        "peer-trusted-ca-file": f"{_PKI}/etcd/ca.crt",
        "snapshot-count": "10000",
        "trusted-ca-file": f"{_PKI}/etcd/ca.crt",
        "watch-progress-notify-interval": "5s",
    },
}
