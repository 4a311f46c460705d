"""Names and numbers that Kubernetes and kubeadm fix, which no config changes."""

# Where API servers listen. An endpoint in front of them may listen elsewhere.
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

# The machine names of uname(2) in the words of the Go tool chain, which upstream's releases bear.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
