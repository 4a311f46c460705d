#!/usr/bin/env bash
# Make this machine a control plane. Nothing is special about the first one: if the cluster's
# endpoint answers with our CA, this machine joins; only if it does not, and this is the machine
# that the program designated, it initialises. Safe to run again.
deliver_trust() {
  local pki=/etc/kubernetes/pki
  secret_file $pki/ca.crt "$CA_CERTIFICATE"
  secret_file $pki/ca.key "$CA_KEY"
  secret_file $pki/front-proxy-ca.crt "$FRONT_PROXY_CA_CERTIFICATE"
  secret_file $pki/front-proxy-ca.key "$FRONT_PROXY_CA_KEY"
  secret_file $pki/etcd/ca.crt "$ETCD_CA_CERTIFICATE"
  secret_file $pki/etcd/ca.key "$ETCD_CA_KEY"
  secret_file $pki/sa.key "$SERVICE_ACCOUNT_KEY"
  secret_file $pki/sa.pub "$SERVICE_ACCOUNT_PUBLIC_KEY"
}

initialise() {
  printf '%s\n' "$INIT_DOCUMENTS" >"$RUN/init.yaml"
  # shellcheck disable=SC2046
  logged init kubeadm init --config "$RUN/init.yaml" --skip-token-print $(preflight_exceptions)
}

# kubeadm init cannot do without a bootstrap token; machines of this fleet join without one.
drop_tokens() {
  kubectl --kubeconfig /etc/kubernetes/super-admin.conf --cache-dir "$RUN/kubectl" \
    --namespace kube-system delete secret \
    --field-selector type=bootstrap.kubernetes.io/token --ignore-not-found >"$LOGS/tokens.log"
}

step_control_plane() {
  if is_member; then
    say "already a member"
    return
  fi
  begin_membership
  deliver_trust
  if answers /readyz 200; then
    say "joining $ENDPOINT"
    join
  elif [[ $DESIGNATED == yes ]]; then
    say "initialising: $ENDPOINT does not answer"
    initialise
    say "the API answers"
    drop_tokens
  else
    say "waiting for https://$ENDPOINT"
    await "$ENDPOINT_DEADLINE" "https://$ENDPOINT/readyz" answers /readyz 200
    say "joining $ENDPOINT"
    join
  fi
  end_membership
  say "member"
}
