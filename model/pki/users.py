"""The users of a cluster that the program issues client certificates for."""

from datetime import timedelta

# kubeadm binds this group to cluster-admin; unlike system:masters it can be unbound again.
# https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
CLUSTER_ADMINS = "kubeadm:cluster-admins"
# The program itself, on the host that it runs on.
PROGRAM = "kubeadm-fleet"
PROGRAM_VALID = timedelta(days=365)
# The person whose kubeconfig is an output of the stack.
ADMINISTRATOR = "kubeadm-fleet-admin"
