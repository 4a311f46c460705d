"""Leaf certificates on machines that have expired, or soon will.

The cluster's CA signs them, on a control plane; a worker's is signed on this host, where the root
file system of a container machine is a folder.
"""

from tests.e2e.seeded.fault import Fault, Place

CP, WORKER = Place.CONTROL_PLANE, Place.WORKER
PKI = "/etc/kubernetes/pki"
# file, CA, days: the same certificate, with another end.
SIGN = """sign() {{
  cp -a $1 $1.kept
  openssl x509 -in $1 -out /run/seeded.crt -CA $2.crt -CAkey $2.key -days $3 -copy_extensions copyall \
    -set_serial $RANDOM -clrext 2>/dev/null || exit 1
  cat /run/seeded.crt >$1
}}
"""

FAULTS = (
    Fault(
        "the API server's certificate expires in two days",
        CP,
        "",
        "",
        ("NODE", "(?i)apiserver|API server|kube-apiserver"),
        "kubernetes-sigs/kubespray#7258",
    ),
    Fault(
        "a certificate of etcd has expired",
        CP,
        "",
        "",
        ("NODE", "etcd"),
        "kubernetes/kubeadm#2660",
    ),
    Fault(
        "the kubelet's client certificate expires in two days",
        WORKER,
        "",
        "",
        ("NODE", "(?i)kubelet"),
        "kubernetes/kubeadm#2502; kubernetes/kubernetes#99645",
    ),
)
