#!/usr/bin/env bash
# Paths of this project's files on every machine, and the API server's port (as in
# model/well_known.py). Only constants; no script uses all of them.
STATE=/var/lib/kubeadm-fleet
# shellcheck disable=SC2034
LOGS=/var/log/kubeadm-fleet
# The artifacts of this machine, each file named by its checksum.
# shellcheck disable=SC2034
ARTIFACTS=$STATE/artifacts
# This control plane's InitConfiguration, as model/render/node_paths.py has it.
# shellcheck disable=SC2034
INIT_CONFIGURATION=$STATE/init-configuration.yaml
# The part of the ClusterConfiguration that renewals of certificates need.
# shellcheck disable=SC2034
LEAF_CONFIGURATION=$STATE/leaf-configuration.yaml
# kubeadm's patches of what it renders.
# shellcheck disable=SC2034
PATCHES=$STATE/patches
# What a change replaces, and with what, until it has succeeded (change.sh).
# shellcheck disable=SC2034
PENDING_CHANGE=$STATE/pending-change
# Held by each step that changes what is declared; its time is when the last one began (lib.sh).
# shellcheck disable=SC2034
CHANGING=$STATE/changing
# The applied version, settings and files of a member (applied_state.sh).
# shellcheck disable=SC2034
APPLIED_STATE=$STATE/applied-state
# The kubelet's serving certificate with its key, as model/render/node_paths.py has it.
# shellcheck disable=SC2034
KUBELET_SERVING=/var/lib/kubelet/pki/serving.pem
# The CAs of clients of this machine's API server, as model/render/node_paths.py has it.
# shellcheck disable=SC2034
CLIENT_CA_FILE=/etc/kubernetes/pki/clients/ca.crt
# With what the kubelet reaches the API, and the CA of the cluster.
# shellcheck disable=SC2034
KUBELET_KUBECONFIG=/etc/kubernetes/kubelet.conf
# shellcheck disable=SC2034
CLUSTER_CA=/etc/kubernetes/pki/ca.crt
# Whose tokens this machine's API server accepts, as model/render/node_paths.py has it.
# shellcheck disable=SC2034
AUTHENTICATION_FILE=$STATE/api-server/authentication.yaml
# The files of this machine's API server that nobody else may read, as model/render/node_paths.py has it.
# shellcheck disable=SC2034
API_SERVER_SECRETS_FOLDER=$STATE/api-server/secrets
# The API server's audit logs, as model/render/node_paths.py has it.
# shellcheck disable=SC2034
AUDIT_FOLDER=/var/log/kubernetes/audit
# Where haproxy says what it knows of the API servers, as model/render/node_paths.py has it.
# shellcheck disable=SC2034
LOAD_BALANCER_SOCKET=/run/kubeadm-fleet-endpoint/health.sock
# shellcheck disable=SC2034
API_PORT=6443
