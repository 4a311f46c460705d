"""Names and numbers fixed by Kubernetes and kubeadm, independent of any config."""

# The port of API servers. An endpoint in front of them may use another.
API_PORT = 6443
# https://kubernetes.io/docs/reference/networking/ports-and-protocols/
WORKER_PORTS = {10250: "kubelet", 10256: "kube-proxy"}
CONTROL_PLANE_PORTS = {
    API_PORT: "API server",
    2379: "etcd clients",
    2380: "etcd peers",
    10250: "kubelet",
    10257: "controller manager",
    10259: "scheduler",
}
NODE_PORTS = range(30000, 32768)

# https://kubernetes.io/docs/reference/labels-annotations-taints/
ROLE_DOMAIN = "node-role.kubernetes.io"
CONTROL_PLANE_LABEL = f"{ROLE_DOMAIN}/control-plane"

# The pool of a worker, for selectors; every worker has one.
POOL_LABEL = "kubeadm-fleet/pool"
# What others call a pool, for clusters that this program did not make.
POOL_LABELS = (
    POOL_LABEL,
    "eks.amazonaws.com/nodegroup",
    "cloud.google.com/gke-nodepool",
    "kubernetes.azure.com/agentpool",
    "karpenter.sh/nodepool",
)
ZONE_LABEL = "topology.kubernetes.io/zone"

# Go architecture names (used by upstream releases) by uname(2) machine name.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# What says that an object is this program's.
MANAGED_BY = {"app.kubernetes.io/managed-by": "kubeadm-fleet"}
# Objects that are applied, but not deleted when they are no longer configured.
KEEP_ANNOTATION = "kubeadm-fleet/keep"
