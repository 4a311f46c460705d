#!/usr/bin/env bash
# requires: join
# settings: ENDPOINT_DEADLINE
# Join this machine as a worker, as soon as the cluster's endpoint is ready. Idempotent.
REGISTERED_SECONDS=120

step_worker() {
  begin_membership
  if is_member; then
    say "already a member"
    return
  fi
  printf '%s\n' "$JOIN_CREDENTIAL" >"$RUN/client.pem"
  say "waiting for https://$ENDPOINT"
  # All the time until the first control plane is there, on the same processors where it is a container's.
  PAUSE=0.3 await "$ENDPOINT_DEADLINE" "https://$ENDPOINT to have what machines join with" accepts_joins
  reset_partial_join
  say "joining"
  prepare_join
  join
  # kubeadm waits for the kubelet's certificate only. Without this wait, the next inspection would
  # take the missing Node for a deleted one.
  await "$REGISTERED_SECONDS" "the kubelet to register Node $NODE_NAME" \
    api_answers "/api/v1/nodes/$NODE_NAME"
  record_membership
  say "joined"
}

# accepts_joins: can this machine read the documents with which it joins? `kubeadm init` uploads them, and
# lets Nodes read them, some time after the API server is ready.
accepts_joins() {
  local name
  for name in kubeadm-config kubelet-config; do
    api_answers "/api/v1/namespaces/kube-system/configmaps/$name" || return
  done
}

api_answers() { # PATH: does the API return it to this machine's Node?
  answers "https://$ENDPOINT$1" 200 --cert "$RUN/client.pem"
}
