#!/usr/bin/env bash
# requires: lib digest leaves pki trusted
# settings: CA_CERTIFICATE
# The CAs and keys that this machine trusts and signs with, in a phase of their rotation. Nothing is
# restarted: what reads them only once is restarted later, in its turn. Only functions.

# apply_trust: replace them on this control plane.
apply_trust() {
  lib_begin
  open_run
  note_kubelet_ca
  install_trust
  publish_trust
  record_ca
  persist "$KUBERNETES/pki"
  say "CAs and keys replaced"
}

# apply_worker_trust: replace the cluster's CA on this worker, which has no other one.
apply_worker_trust() {
  lib_begin
  note_kubelet_ca
  secret_file "$CLUSTER_CA" "$CA_CERTIFICATE"
  record_ca
  persist /etc/kubernetes/pki
  say "the cluster's CA replaced"
}

# note_kubelet_ca: note which CA the kubelet has read, before that of the file is another one.
note_kubelet_ca() {
  local digest
  digest=$(kubelet_ca_digest)
  printf '%s %s\n' "$(kubelet_run)" "$digest" >"$KUBELET_READ"
}

# publish_trust: bring the cluster's CA to where files of this control plane have a copy of it.
publish_trust() {
  SCRATCH=$RUN
  stage_file "$KUBERNETES/scheduler/ca.crt" <"$KUBERNETES/pki/ca.crt"
  stage_file "$KUBERNETES/admin.conf" < <(trusting_all <"$KUBERNETES/admin.conf")
  replace_staged
}

# record_ca: have the applied state name this CA. Its time stays: of other files, nothing was applied.
record_ca() {
  local sum
  [[ -f $APPLIED_STATE ]] || return 0
  sum=$(digest "$CLUSTER_CA")
  sed "s|^secret:$CLUSTER_CA\t.*|secret:$CLUSTER_CA\t$sum|" "$APPLIED_STATE" >"$APPLIED_STATE.new"
  touch --reference="$APPLIED_STATE" "$APPLIED_STATE.new"
  mv "$APPLIED_STATE.new" "$APPLIED_STATE"
}
