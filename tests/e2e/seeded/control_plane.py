"""Components of a control plane that do not answer, and etcd."""

from tests.e2e.seeded.fault import Fault, Place
from tests.e2e.seeded.files import ASIDE, MANIFESTS, edited
from tests.e2e.seeded.services import RENEWAL

CP = Place.CONTROL_PLANE
DISARM = (
    "for _ in $(seq 60); do pid=$(pgrep -x etcd | head -1) && "
    "/proc/$pid/root/usr/local/bin/etcdctl --endpoints https://127.0.0.1:2379 "
    "--cacert /etc/kubernetes/pki/etcd/ca.crt --cert /etc/kubernetes/pki/etcd/server.pem "
    "--key /etc/kubernetes/pki/etcd/server.pem alarm disarm && break; sleep 1; done"
)
SNAPSHOTS = "/var/lib/kubeadm-fleet/snapshots"
ETCD = f"{MANIFESTS}/etcd.yaml"


def no_space() -> tuple[str, str]:
    """Shell that gives etcd less space than it uses, and shell that undoes this."""
    quota = f"sed -i 's/^\\( *- \\)--data-dir=/\\1--quota-backend-bytes=1048576\\n&/' {ETCD}"
    plant, restore = edited(ETCD, quota)
    return plant, f"{restore}; {DISARM}"


def gone(name: str, said: tuple[str, ...], component: str, source: str, physics: int) -> Fault:
    """A static pod whose manifest was moved away."""
    file = f"{MANIFESTS}/{component}.yaml"
    plant = f"mkdir -p {ASIDE}; mv {file} {ASIDE}/{component}.gone"
    return Fault(
        name,
        CP,
        plant,
        f"mv {ASIDE}/{component}.gone {file}",
        said,
        source,
        physics=physics,
        alone=True,
    )


FAULTS = (
    Fault(
        "etcd has no space",
        CP,
        *no_space(),
        ("NOSPACE",),
        "kubernetes/kops#4005; etcd-io/etcd#14497",
        physics=60,
        alone=True,
    ),
    Fault(
        # Without its manifest, the kubelet waits minutes for the API before it starts it again.
        "etcd hangs",
        CP,
        "pkill -STOP -x etcd",
        "pkill -CONT -x etcd || true",
        ("(?i)etcd|API|reach|answer",),
        "kubernetes/kubeadm (etcd on a disk that hangs)",
        physics=30,
        alone=True,
    ),
    Fault(
        "the API server hangs",
        CP,
        "pkill -STOP -x kube-apiserver",
        "pkill -CONT -x kube-apiserver || true",
        ("(?i)API|reach|answer",),
        "kubernetes/kubernetes (hanging API server)",
        physics=15,
        alone=True,
    ),
    gone(
        "the scheduler is stopped",
        ("kube-scheduler",),
        "kube-scheduler",
        "kubernetes/kubeadm#1008",
        15,
    ),
    Fault(
        "the controller manager hangs",
        CP,
        "pkill -STOP -x kube-controller",
        "pkill -CONT -x kube-controller || true",
        ("kube-controller-manager",),
        "kubernetes/kubernetes (leader does not renew its Lease)",
        physics=30,
        alone=True,
    ),
    Fault(
        "etcd cannot be saved",
        CP,
        # As on a disk that is not there: the folder is none.
        f"[[ ! -d {SNAPSHOTS} ]] || mv {SNAPSHOTS} {SNAPSHOTS}.kept; touch {SNAPSHOTS}; "
        f"systemctl start {RENEWAL}.service || true",
        f"rm {SNAPSHOTS}; [[ ! -d {SNAPSHOTS}.kept ]] || mv {SNAPSHOTS}.kept {SNAPSHOTS}; "
        f"systemctl start {RENEWAL}.service",
        ("(?i)backup|snapshot",),
        "rancher/rke2#1902",
    ),
)
