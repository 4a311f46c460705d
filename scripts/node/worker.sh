#!/usr/bin/env bash
# requires: kubeadm
# settings: ENDPOINT ENDPOINT_DEADLINE
# Make this machine a worker: join as soon as the cluster's endpoint answers. Safe to run again.
REGISTERED_SECONDS=120

step_worker() {
  begin_membership
  if is_member; then
    say "already a member"
    return
  fi
  printf '%s\n' "$JOIN_CREDENTIAL" >"$RUN/join.conf"
  awk '/client-certificate-data:/ {print $2}' "$RUN/join.conf" | base64 -d >"$RUN/client.crt"
  awk '/client-key-data:/ {print $2}' "$RUN/join.conf" | base64 -d >"$RUN/client.key"
  say "waiting for https://$ENDPOINT"
  # 404 is the answer hoped for: this machine's credential may read Nodes, and its own is not there
  # yet. Before the cluster is ready for joins the API answers 403, or nothing at all.
  await "$ENDPOINT_DEADLINE" "https://$ENDPOINT to accept joins" node_answers "200 404"
  reset_partial_join
  say "joining"
  join
  # kubeadm waits for the kubelet's certificate only. Who looks at the machine next takes a Node that
  # is not there for one that somebody deleted.
  await "$REGISTERED_SECONDS" "the kubelet to register Node $NODE_NAME" node_answers 200
  record_membership
  say "joined"
}

node_answers() { # EXPECTED: the status codes with which the API may answer for this machine's Node
  answers "https://$ENDPOINT/api/v1/nodes/$NODE_NAME" "$1" \
    --cert "$RUN/client.crt" --key "$RUN/client.key"
}
