"""Leaf certificates on machines that have expired, or soon will.

The cluster's own CA signs them, on this host, where the file system of a container machine is a
folder. Nothing is restarted: the former certificate is in use until somebody does that.

The lock of the control plane is held meanwhile: its timer, which runs minutes after a join, or
after another fault, would renew such a leaf before it is reported.
"""

from tests.e2e.seeded.fault import Fault, Place

PKI = "etc/kubernetes/pki"
LOCK = "$PLANE/var/lib/kubeadm-fleet/lock"
# Longer than a fault is looked for; the restoring ends it.
HOLD = (
    f"exec 9<>{LOCK}; flock --shared --timeout 30 9; "
    "sleep 60 </dev/null >/dev/null 2>&1 & echo $! >$SAVED.pid"
)
FREE = "kill $(cat $SAVED.pid) 2>/dev/null || true"
KUBELET = "var/lib/kubelet/pki/kubelet-client-current.pem"


def fault(name: str, file: str, hours: int, said: tuple[str, ...], source: str) -> Fault:
    """A certificate that ends in so many hours; `file` is one on this host.

    It must be named by its own name, kubeadm's, or its file's: others of the machine begin or end
    with the same word.
    """
    plant = (
        f"{HOLD}; file={file}; cp -a $file $SAVED; $PYTHON -m tests.e2e.seeded.resign $file {hours}"
    )
    # In place: the file stays the one that a link names.
    names = (*said, "(?i)expire")
    restore = f"file={file}; cat $SAVED >$file; {FREE}"
    return Fault(name, Place.HERE, plant, restore, names, source)


FAULTS = (
    fault(
        "the API server's certificate expires in two days",
        f"$PLANE/{PKI}/apiserver.pem",
        48,
        ("CONTROL-PLANE", r"(?<![\w-])apiserver(?![\w-])"),
        "kubernetes-sigs/kubespray#7258",
    ),
    fault(
        "a certificate of etcd has expired",
        f"$PLANE/{PKI}/etcd/server.pem",
        -1,
        ("CONTROL-PLANE", "etcd[-/]server"),
        "kubernetes/kubeadm#2660",
    ),
    fault(
        "the kubelet's client certificate expires in two days",
        f"$WORKER/$(readlink $WORKER/{KUBELET})",
        48,
        ("NODE", "kubelet-client"),
        "kubernetes/kubeadm#2502; kubernetes/kubernetes#99645",
    ),
    fault(
        "the scheduler's client certificate has expired",
        "$PLANE/etc/kubernetes/scheduler/client.pem",
        -1,
        ("CONTROL-PLANE", r"(?<![\w-])scheduler(\.conf|/client\.pem)"),
        "kubernetes-sigs/kubespray#5464",
    ),
)
