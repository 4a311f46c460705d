#!/usr/bin/env bash
# requires: join init-documents pki restore
# settings: ENDPOINT OTHER_CONTROL_PLANES
# Initialize the cluster on this machine: once in the cluster's lifetime, on its first machine. A no-op
# if the cluster responds; rejected if only its endpoint does not respond: a second cluster beside the
# first would be worse than none. Idempotent.
run_init() { # EXCEPTIONS to kubeadm's preflight checks
  install_pki
  init_documents >"$RUN/init.yaml"
  logged_beside_kubelet init kubeadm init --config "$RUN/init.yaml" --skip-token-print "$@"
}

# is_unfinished: was `kubeadm init` of this cluster interrupted here?
is_unfinished() {
  has_partial_join && [[ -d /var/lib/etcd/member ]] &&
    diff --ignore-blank-lines /etc/kubernetes/pki/ca.crt "$RUN/ca.crt" >/dev/null
}

# kubeadm init always creates a bootstrap token; machines of this fleet join without one. Only a machine
# that initialized the cluster has this kubeconfig, so this precedes the record of its membership.
delete_bootstrap_tokens() {
  kubectl --kubeconfig /etc/kubernetes/super-admin.conf --cache-dir "$RUN/kubectl" \
    --namespace kube-system delete secret \
    --field-selector type=bootstrap.kubernetes.io/token --ignore-not-found >"$LOGS/tokens.log"
}

# reachable_control_planes: print the other control planes that run parts of the cluster, one per line.
reachable_control_planes() {
  local address
  for address in $OTHER_CONTROL_PLANES; do
    probe_control_plane "$address" &
  done
  wait
}

# probe_control_plane ADDRESS: detect an API server with a certificate of our CA, in any state, or etcd.
probe_control_plane() {
  local code
  code=$(curl --disable --silent --output /dev/null --write-out '%{http_code}' --connect-timeout 1 --max-time 3 \
    --cacert "$RUN/ca.crt" "https://$1:$API_PORT/livez" 2>/dev/null) || true
  if [[ $code != 000 ]]; then
    echo "$1 (its API server: status $code)"
  elif timeout 1 bash -c "exec 3<>/dev/tcp/$1/2380" 2>/dev/null; then
    echo "$1 (its etcd)"
  fi
}

# check_endpoint: does the endpoint respond (ANSWERS), and which other control planes do (REACHABLE)?
check_endpoint() {
  ANSWERS=no
  reachable_control_planes >"$RUN/reachable" &
  if answers "https://$ENDPOINT/readyz" 200; then
    ANSWERS=yes
  fi
  wait
  REACHABLE=$(sort "$RUN/reachable" | tr '\n' ' ')
}

# needs_init: must this machine run `kubeadm init`, or resume it?
needs_init() {
  ! is_member || return
  check_endpoint
  [[ $ANSWERS == no ]] || { is_unfinished && [[ -z $REACHABLE ]]; }
}

# snapshot_required: print whether the snapshot is needed on this machine and missing.
snapshot_required() {
  begin_membership
  if needs_init && ! { is_unfinished && is_restored; } && ! is_snapshot_intact "$SNAPSHOT_FILE"; then
    echo required
  else
    echo not-required
  fi
}

initialize_cluster() {
  local exceptions
  if is_unfinished && is_restored && [[ -z $REACHABLE ]]; then
    # Workers may have joined it meanwhile: it is resumed, not restarted.
    say 'resuming an interrupted kubeadm init'
    run_init --ignore-preflight-errors=all
  elif [[ -n $REACHABLE ]]; then
    die "https://$ENDPOINT does not respond, but other control planes of the cluster do: $REACHABLE" \
      "nothing was initialized here: fix the endpoint, or etcd on those machines, and run 'fleet up' again"
  else
    say "running kubeadm init: there is no cluster at $ENDPOINT yet"
    reset_partial_join
    mapfile -t exceptions < <(preflight_exceptions)
    if [[ -n ${SNAPSHOT:-} ]]; then
      restore
      exceptions+=(--ignore-preflight-errors=DirAvailable--var-lib-etcd)
    fi
    run_init "${exceptions[@]}"
  fi
  say "the API server is ready"
  delete_bootstrap_tokens
  name_documents /etc/kubernetes/admin.conf
  record_joined "$CONTROL" "$KUBELET"
  record_membership
}

step_init() {
  begin_membership
  if needs_init; then
    initialize_cluster
    say "initialized"
  else
    say "cluster already exists"
  fi
  drop_snapshot
}
