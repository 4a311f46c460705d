"""Leaf certificates on machines that have expired, or soon will.

The cluster's own CA signs them, on this host, where the file system of a container machine is a
folder. Nothing is restarted: the former certificate is in use until somebody does that.
"""

from tests.e2e.seeded.fault import Fault, Place

PKI = "etc/kubernetes/pki"
KUBELET = "var/lib/kubelet/pki/kubelet-client-current.pem"


def fault(name: str, file: str, hours: int, said: tuple[str, ...], source: str) -> Fault:
    """A certificate that ends in so many hours; `file` is one on this host."""
    plant = f"file={file}; cp -a $file $SAVED; $PYTHON -m tests.e2e.seeded.resign $file {hours}"
    # In place: the file stays the one that a link names.
    return Fault(name, Place.HERE, plant, f"file={file}; cat $SAVED >$file", said, source)


FAULTS = (
    fault(
        "the API server's certificate expires in two days",
        f"$PLANE/{PKI}/apiserver.pem",
        48,
        ("CONTROL-PLANE", "(?i)apiserver|API server"),
        "kubernetes-sigs/kubespray#7258",
    ),
    fault(
        "a certificate of etcd has expired",
        f"$PLANE/{PKI}/etcd/server.pem",
        -1,
        ("CONTROL-PLANE", "etcd"),
        "kubernetes/kubeadm#2660",
    ),
    fault(
        "the kubelet's client certificate expires in two days",
        f"$WORKER/$(readlink $WORKER/{KUBELET})",
        48,
        ("NODE", "(?i)kubelet"),
        "kubernetes/kubeadm#2502; kubernetes/kubernetes#99645",
    ),
    fault(
        "the scheduler's client certificate has expired",
        "$PLANE/etc/kubernetes/scheduler/client.pem",
        -1,
        ("CONTROL-PLANE", "(?i)scheduler"),
        "kubernetes-sigs/kubespray#5464",
    ),
)
