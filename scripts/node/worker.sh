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
  # 404 is expected: this machine's credential may read Nodes, and its own does not exist yet. Before
  # the cluster is ready for joins the API returns 403 or does not respond.
  await "$ENDPOINT_DEADLINE" "https://$ENDPOINT to accept joins" node_answers "200 404"
  reset_partial_join
  say "joining"
  prepare_join
  join
  # kubeadm waits for the kubelet's certificate only. Without this wait, the next inspection would
  # take the missing Node for a deleted one.
  await "$REGISTERED_SECONDS" "the kubelet to register Node $NODE_NAME" node_answers 200
  record_membership
  say "joined"
}

node_answers() { # EXPECTED: the accepted status codes for this machine's Node
  answers "https://$ENDPOINT/api/v1/nodes/$NODE_NAME" "$1" \
    --cert "$RUN/client.pem"
}
