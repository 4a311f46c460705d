"""Paths of this project's files on every machine; scripts/node/paths.sh has the same."""

SYSCTL_FILE = "/etc/sysctl.d/90-kubeadm-fleet.conf"
STATE = "/var/lib/kubeadm-fleet"
# The machine's artifacts, each file named by its checksum.
ARTIFACTS = f"{STATE}/artifacts"
# kubeadm's patches of what it renders.
PATCHES = f"{STATE}/patches"
# A control plane's InitConfiguration, for `kubeadm init` and its phases.
INIT_CONFIGURATION = f"{STATE}/init-configuration.yaml"
# The part of the ClusterConfiguration that renewals of certificates need.
LEAF_CONFIGURATION = f"{STATE}/leaf-configuration.yaml"
# NAME=value lines for programs that download something.
PROXY_ENVIRONMENT = f"{STATE}/proxy.env"
# The CAs of clients of an API server: in a folder of kubeadm's, which its pod mounts.
CLIENT_CA_FILE = "/etc/kubernetes/pki/clients/ca.crt"
# The API server's configuration files, a folder that its pod mounts. After a join that was cut off,
# kubeadm's own folder is cleared.
API_SERVER_FOLDER = f"{STATE}/api-server"
AUTHENTICATION_FILE = f"{API_SERVER_FOLDER}/authentication.yaml"
# Those of them that nobody else may read (scripts/node/api_server_secrets.sh).
API_SERVER_SECRETS = f"{API_SERVER_FOLDER}/secrets"
AUDIT_FOLDER = "/var/log/kubernetes/audit"
LOAD_BALANCER_FOLDER = "/etc/kubeadm-fleet"
# Where haproxy says how it is, and what it knows of the API servers.
LOAD_BALANCER_SOCKET = "/run/kubeadm-fleet-endpoint/health.sock"
# The kubelet's serving certificate with its key, as its configuration names it.
KUBELET_SERVING = "/var/lib/kubelet/pki/serving.pem"
# The API server's audit logs: audit.log, and those that it rotated.
AUDIT_FOLDER = "/var/log/kubernetes/audit"
