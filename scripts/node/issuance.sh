#!/usr/bin/env bash
# requires: lib documents leaves validity
# settings: NODE_ADDRESS KUBERNETES_VERSION KUBELET_CERTIFICATE FORMER_LEAVES
# Issuing again what is missing or has expired, without the API. The kubelet is restarted: it neither reads
# its certificate again nor restarts immediately what ended meanwhile. Pods keep running. Each is idempotent.
# How long signers get to read the CA again before a certificate is requested once more.
SIGNER_SECONDS=5

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
  lib_begin
  replace_kubelet_certificate
  say "the kubelet has a certificate again"
}

# rotate_kubelet: the same, and wait until it has one of the CA that signs now. A signer that has not read
# that CA yet may have issued it: then it is requested again.
rotate_kubelet() {
  local began
  lib_begin
  began=$SECONDS
  LAST_ANSWER="the requests for certificates ('kubectl get csr')"
  while :; do
    replace_kubelet_certificate
    await 120 "the kubelet to have a certificate of its own" has_own_certificate
    is_of_current_ca && break
    ((SECONDS - began < 120)) || die "its kubelet was issued a certificate of a former CA" \
      "see whether every controller manager runs and has $KUBERNETES/pki/signer.pem, then run 'fleet up' again"
    sleep "$SIGNER_SECONDS"
  done
  say "the kubelet has a certificate of the current CA"
}

# has_own_certificate: does the kubelet use another certificate than KUBELET_CERTIFICATE?
has_own_certificate() {
  local its
  its=$(openssl x509 -in "$KUBELET_CLIENT" 2>/dev/null) && [[ $its != "$(openssl x509 <<<"$KUBELET_CERTIFICATE")" ]]
}

# is_of_current_ca: did the CA that signs now, the first one, issue the kubelet's certificate?
is_of_current_ca() {
  openssl verify -CAfile <(openssl x509 -in "$KUBERNETES/pki/ca.crt") "$KUBELET_CLIENT" &>/dev/null
}

replace_kubelet_certificate() {
  local folder=${KUBELET_CLIENT%/*} file
  file=$folder/kubelet-client-$(date --utc +%F-%H-%M-%S).pem
  secret_file "$file" "$KUBELET_CERTIFICATE"
  systemctl stop kubelet
  ln -sfn "$file" "$KUBELET_CLIENT.new"
  mv -T "$KUBELET_CLIENT.new" "$KUBELET_CLIENT"
  persist "$file" "$folder"
  restart_kubelet
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
