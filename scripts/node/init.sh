#!/usr/bin/env bash
# requires: join etcd_data init-documents leaves pki restore serving
# settings: ENDPOINT OTHER_CONTROL_PLANES ENCRYPTION_WRITER
# Initialize the cluster on this machine: once in the cluster's lifetime, on its first machine. A no-op
# if the cluster responds; rejected if only its endpoint does not respond: a second cluster beside the
# first would be worse than none. Idempotent.
#
# Machines join with certificates of their Nodes: bootstrap tokens, the rules that let anybody with a
# token request certificates, and the instructions for that are skipped.
SKIPPED_PHASES=bootstrap-token,show-join-command

run_init() { # EXCEPTIONS to kubeadm's preflight checks
  install_pki
  own_etcd_data
  install_serving_pair
  init_documents >"$RUN/init.yaml"
  issue_leaves "$RUN/init.yaml"
  logged_beside_kubelet init kubeadm init --config "$RUN/init.yaml" --skip-phases "$SKIPPED_PHASES" "$@"
  name_ca_file
}

# bind_roles: create those bindings of the phase bootstrap-token that are not about tokens: kubelets may
# have their certificates renewed, each in the name of its own Node, and the API servers may access the
# kubelets. And record what encrypts Secrets.
bind_roles() {
  {
    binding kubeadm:node-autoapprove-certificate-rotation Group system:nodes \
      system:certificates.k8s.io:certificatesigningrequests:selfnodeclient
    binding kubeadm:apiserver-kubelet-client User kube-apiserver-kubelet-client system:kubelet-api-admin
    [[ -n ${SNAPSHOT:-} ]] || encryption_record
  } >"$RUN/bindings.yaml"
  logged bindings kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir "$RUN/kubectl" \
    apply --server-side --filename "$RUN/bindings.yaml"
}

# encryption_record: print the record of what has encrypted all Secrets. That of a snapshot is in it.
encryption_record() {
  cat <<END
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kubeadm-fleet-encryption, namespace: kube-system}
data: {writer: "$ENCRYPTION_WRITER"}
END
}

binding() { # NAME KIND SUBJECT ROLE
  cat <<END
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: "$1"}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: $2, name: "$3"}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "$4"}
END
}

# is_unfinished: was `kubeadm init` of this cluster interrupted here?
is_unfinished() {
  has_partial_join && [[ -d /var/lib/etcd/member ]] &&
    diff --ignore-blank-lines /etc/kubernetes/pki/ca.crt "$RUN/ca.crt" >/dev/null
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
  # Its group, system:masters, cannot be unbound; kubeadm has bound that of admin.conf by now.
  rm -f /etc/kubernetes/super-admin.conf
  bind_roles
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
