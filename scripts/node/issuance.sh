#!/usr/bin/env bash
# requires: lib documents leaves validity
# settings: NODE_ADDRESS KUBERNETES_VERSION KUBELET_CERTIFICATE FORMER_LEAVES
# Issuing again what is missing or has expired, without the API. The kubelet is restarted: it neither reads
# its certificate again nor restarts immediately what ended meanwhile. Pods keep running. Each is idempotent.

# issue_invalid_leaves: issue such leaf certificates of this control plane.
issue_invalid_leaves() {
  local name state
  begin_operation
  control_plane_documents >"$RUN/init.yaml"
  invalid_leaves >"$RUN/invalid"
  while IFS=$'\t' read -r name state; do
    issue_leaf "$name" "$RUN/init.yaml"
    say "issued the certificate of $name, which $state"
  done <"$RUN/invalid"
  restart_kubelet
}

# install_kubelet_certificate: have the kubelet use KUBELET_CERTIFICATE, with its key, to request a
# certificate of its own. Its kubeconfig names this link, and it writes its own files in this way: it is stopped,
# since it may be about to write a certificate that it requested of the former CA.
install_kubelet_certificate() {
  local folder=${KUBELET_CLIENT%/*} file
  lib_begin
  file=$folder/kubelet-client-$(date --utc +%F-%H-%M-%S).pem
  secret_file "$file" "$KUBELET_CERTIFICATE"
  systemctl stop kubelet
  ln -sfn "$file" "$KUBELET_CLIENT.new"
  mv -T "$KUBELET_CLIENT.new" "$KUBELET_CLIENT"
  persist "$file" "$folder"
  restart_kubelet
  say "the kubelet has a certificate again"
}

# renew_former_leaves: renew the leaf certificates of this control plane that another CA issued than the one
# that signs now. FORMER_LEAVES are their names. Their readers read them again: nothing is restarted.
renew_former_leaves() {
  local name
  lib_begin
  open_run
  for name in $FORMER_LEAVES; do
    renew_leaf "$name"
    say "issued the certificate of $name by the current CA"
  done
}

# reread_trust: have the kubelet read the cluster's CA again.
reread_trust() {
  lib_begin
  restart_kubelet
  say "the kubelet trusts the current CA"
}

restart_kubelet() {
  systemctl reset-failed kubelet 2>/dev/null || true
  systemctl restart kubelet
}
