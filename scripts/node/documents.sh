#!/usr/bin/env bash
# requires: lib configure staging
# settings: NODE_ADDRESS KUBERNETES_VERSION CLUSTER_CONFIGURATION KUBELET_CONFIGURATION
# What the cluster itself says of how its machines run: kubeadm's ClusterConfiguration and the
# kubelets' configuration, in the ConfigMaps that kubeadm keeps in kube-system. Only functions.
DOCUMENTS=$STATE/documents
ADMIN_KUBECONFIG=/etc/kubernetes/admin.conf
# configure.sh says what is in there.
PATCHES=$STATE/patches

# begin_operation: a place for documents that hold no secret but are nobody's business either.
begin_operation() {
  lib_begin
  open_run
  recall_changed
}

# api ARGUMENTS...: kubectl as the cluster's administrator, over the cluster's endpoint.
api() {
  kubectl --kubeconfig "$ADMIN_KUBECONFIG" --cache-dir "$RUN/kubectl" --request-timeout 10s "$@"
}

# local_api ARGUMENTS...: the same, asking this machine's own API server.
local_api() {
  api --server "https://$NODE_ADDRESS:$API_PORT" "$@"
}

# read_documents: bring the cluster's ClusterConfiguration to RUN. Where no API answers (its manifest
# may be what is to be repaired), what this machine has last been made from is as good.
read_documents() {
  if api --namespace kube-system get configmap kubeadm-config \
    --output 'jsonpath={.data.ClusterConfiguration}' >"$RUN/cluster.yaml" 2>"$RUN/api.log"; then
    return
  fi
  [[ -s $DOCUMENTS/cluster.yaml ]] ||
    die "the cluster's kubeadm-config cannot be read: $(tail -n 1 "$RUN/api.log")" \
      "fix the cluster's endpoint and run 'pulumi up' again"
  say "the API server does not respond; using this machine's last ClusterConfiguration"
  cp "$DOCUMENTS/cluster.yaml" "$RUN/cluster.yaml"
}

# record_documents: keep what this machine was made from, for the day when no API answers.
record_documents() {
  mkdir -p "$DOCUMENTS"
  cp "$RUN/cluster.yaml" "$DOCUMENTS/cluster.yaml.new"
  mv "$DOCUMENTS/cluster.yaml.new" "$DOCUMENTS/cluster.yaml"
}

# recorded_version: the version that the cluster says it has.
recorded_version() {
  awk '$1 == "kubernetesVersion:" {print $2}' "$RUN/cluster.yaml"
}

# upload_documents: have the cluster say what CLUSTER_CONFIGURATION and KUBELET_CONFIGURATION say,
# each of which may be empty. The version it says it has stays: `upgrade apply` changes that.
upload_documents() {
  local recorded
  recorded=$(recorded_version)
  {
    init_configuration
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

# init_configuration: who this machine is, for phases of `kubeadm init`.
init_configuration() {
  cat <<YAML
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration:
  name: $NODE_NAME
  criSocket: unix:///run/containerd/containerd.sock
localAPIEndpoint:
  advertiseAddress: $NODE_ADDRESS
  bindPort: $API_PORT
patches:
  directory: $PATCHES
YAML
}

# wanted_documents: the documents that this machine's control plane is to be made from.
wanted_documents() {
  init_configuration
  printf -- '---\n'
  sed -E "s/^kubernetesVersion:.*/kubernetesVersion: $KUBERNETES_VERSION/" "$RUN/cluster.yaml"
}
