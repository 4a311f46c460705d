#!/usr/bin/env bash
# requires: lib changed joined staging
# settings: NODE_ADDRESS KUBERNETES_VERSION CLUSTER_CONFIGURATION KUBELET_CONFIGURATION
# The desired documents: kubeadm's ClusterConfiguration and the KubeletConfiguration. Every operation
# that applies them is sent them. The cluster's own copies, from which machines join, are kubeadm's
# ConfigMaps in kube-system; they follow when all machines have the documents. Only functions.
ADMIN_KUBECONFIG=/etc/kubernetes/admin.conf

# begin_operation: the prologue of operations, with a private directory for documents.
begin_operation() {
  lib_begin
  open_run
  recall_changed
}

# api ARGUMENTS...: kubectl as the cluster's administrator, over the cluster's endpoint.
api() {
  kubectl --kubeconfig "$ADMIN_KUBECONFIG" --cache-dir "$RUN/kubectl" --request-timeout 10s "$@"
}

# local_api ARGUMENTS...: the same, with this machine's own API server.
local_api() {
  api --server "https://$NODE_ADDRESS:$API_PORT" "$@"
}

# recorded_version: print the cluster's recorded version.
recorded_version() {
  api --namespace kube-system get configmap kubeadm-config \
    --output 'jsonpath={.data.ClusterConfiguration}' >"$RUN/recorded.yaml" 2>"$RUN/api.log" ||
    die "the cluster's kubeadm-config cannot be read: $(tail -n 1 "$RUN/api.log")" \
      "fix the cluster's endpoint and run 'fleet up' again"
  awk '$1 == "kubernetesVersion:" {print $2}' "$RUN/recorded.yaml"
}

# cluster_configuration VERSION: print the ClusterConfiguration with this version.
cluster_configuration() {
  sed -E "s/^kubernetesVersion:.*/kubernetesVersion: $1/" <<<"$CLUSTER_CONFIGURATION"
}

# upload_documents: upload both documents, and name them. The recorded version is kept: `upgrade apply`
# changes it.
upload_documents() {
  local recorded
  recorded=$(recorded_version)
  {
    cat "$INIT_CONFIGURATION"
    printf -- '---\n'
    cluster_configuration "$recorded"
    printf -- '---\n%s\n' "$KUBELET_CONFIGURATION"
  } >"$RUN/upload.yaml"
  logged upload kubeadm init phase upload-config all --config "$RUN/upload.yaml"
  name_documents "$ADMIN_KUBECONFIG"
}

# control_plane_documents: print the documents of this machine's control plane.
control_plane_documents() {
  cat "$INIT_CONFIGURATION"
  printf -- '---\n'
  cluster_configuration "$KUBERNETES_VERSION"
}

# kubelet_documents FOLDER: print the documents of this machine's kubelet, for kubeadm with FOLDER as
# its directory of certificates: that of a worker has a CA without its key, which kubeadm would take
# for a control plane's.
kubelet_documents() {
  cat <<INIT
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration: {name: "$NODE_NAME", criSocket: "unix:///run/containerd/containerd.sock"}
localAPIEndpoint: {advertiseAddress: "$NODE_ADDRESS"}
---
INIT
  cluster_configuration "$KUBERNETES_VERSION" | grep -v '^certificatesDir:'
  printf 'certificatesDir: %s\n---\n%s\n' "$1" "$KUBELET_CONFIGURATION"
}
