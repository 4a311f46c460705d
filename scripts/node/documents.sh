#!/usr/bin/env bash
# requires: lib changed staging
# settings: NODE_ADDRESS KUBERNETES_VERSION CLUSTER_CONFIGURATION KUBELET_CONFIGURATION
# The cluster's own configuration: kubeadm's ClusterConfiguration and the KubeletConfiguration, in
# kubeadm's ConfigMaps in kube-system. Only functions.
DOCUMENTS=$STATE/documents
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

# read_documents: fetch the cluster's ClusterConfiguration into RUN. If no API server responds (its
# manifest may need the repair), use the one that this machine was last configured with.
read_documents() {
  if api --namespace kube-system get configmap kubeadm-config \
    --output 'jsonpath={.data.ClusterConfiguration}' >"$RUN/cluster.yaml" 2>"$RUN/api.log"; then
    return
  fi
  [[ -s $DOCUMENTS/cluster.yaml ]] ||
    die "the cluster's kubeadm-config cannot be read: $(tail -n 1 "$RUN/api.log")" \
      "fix the cluster's endpoint and run 'fleet up' again"
  say "the API server does not respond; using this machine's last ClusterConfiguration"
  cp "$DOCUMENTS/cluster.yaml" "$RUN/cluster.yaml"
}

# record_documents: save this machine's ClusterConfiguration, for times without an API server.
record_documents() {
  mkdir -p "$DOCUMENTS"
  cp "$RUN/cluster.yaml" "$DOCUMENTS/cluster.yaml.new"
  mv "$DOCUMENTS/cluster.yaml.new" "$DOCUMENTS/cluster.yaml"
}

# recorded_version: print the cluster's recorded version.
recorded_version() {
  awk '$1 == "kubernetesVersion:" {print $2}' "$RUN/cluster.yaml"
}

# upload_documents: upload CLUSTER_CONFIGURATION and KUBELET_CONFIGURATION, if not empty. The recorded
# version is kept: `upgrade apply` changes it.
upload_documents() {
  local recorded
  recorded=$(recorded_version)
  {
    cat "$INIT_CONFIGURATION"
    printf -- '---\n%s\n' "${CLUSTER_CONFIGURATION:-$(<"$RUN/cluster.yaml")}" |
      sed -E "s/^kubernetesVersion:.*/kubernetesVersion: $recorded/"
    [[ -z ${KUBELET_CONFIGURATION:-} ]] || printf -- '---\n%s\n' "$KUBELET_CONFIGURATION"
  } >"$RUN/upload.yaml"
  if [[ -n ${CLUSTER_CONFIGURATION:-} ]]; then
    logged upload-cluster "$(wanted_program kubeadm)" init phase upload-config kubeadm \
      --config "$RUN/upload.yaml"
  fi
  if [[ -n ${KUBELET_CONFIGURATION:-} ]]; then
    logged upload-kubelet "$(wanted_program kubeadm)" init phase upload-config kubelet \
      --config "$RUN/upload.yaml"
  fi
  read_documents
}

# wanted_documents: print the desired documents of this machine's control plane.
wanted_documents() {
  cat "$INIT_CONFIGURATION"
  printf -- '---\n'
  sed -E "s/^kubernetesVersion:.*/kubernetesVersion: $KUBERNETES_VERSION/" "$RUN/cluster.yaml"
}
