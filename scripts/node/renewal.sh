#!/usr/bin/env bash
# requires: lib leaves renewal_record snapshots
# settings: NODE_NAME PERIOD_SECONDS
# What a control plane does by the clock, with what is there anyway and without the API: it renews leaf
# certificates in the last third of their validity, and takes a snapshot of etcd once a day. A timer
# runs this every PERIOD_SECONDS (model/render/renewal.py); the results are in the journal, in the
# record (renewal_record.sh), and, while something fails, in an annotation of the Node.
RENEWAL_ANNOTATION=kubeadm-fleet/renewal
# For a waiting step to take the lock.
TURN_SECONDS=0.1

renew_by_clock() {
  MACHINE_ID=$(machine_identity)
  lib_begin as-is
  if ! is_member; then
    say "this machine is not a member of a cluster: nothing to renew"
    return
  fi
  open_run
  FAILED=()
  flock --unlock 9
  renew_leaves
  keep_snapshots
  forget_failures "${FAILED[@]%%:*}"
  annotate_node
  record_renewal "$RUN_SUBJECT" succeeded "$(utc "$PERIOD_SECONDS seconds")"
  ((!${#FAILED[@]}))
}

# renew_leaves: renew those that are due or have expired, one after another. One that is missing is a
# failure: there is nothing to say what it has to be like. A step of the program that waits for this
# machine need not wait for all of them.
renew_leaves() {
  local name state
  for name in "${LEAVES[@]}"; do
    flock 9
    state=$(leaf_state "$name")
    [[ $state == valid ]] || renew "$name" "$state"
    flock --unlock 9
    [[ $state == valid ]] || sleep "$TURN_SECONDS"
  done
}

renew() { # LEAF STATE
  local expiry
  attempt renew_leaf "$1"
  if [[ -n $REASON ]]; then
    note_failure "$1"
    return
  fi
  expiry=$(utc "@$(expiry_of "$1")")
  record_renewal "$1" succeeded "$expiry"
  say "renewed the certificate of $1, which was $2: valid until $expiry"
}

# keep_snapshots: take the daily snapshot. One that fails while a step of the program is active is put off:
# the step may have stopped etcd.
keep_snapshots() {
  is_snapshot_due $((PERIOD_SECONDS / 2)) || return 0
  attempt take_snapshot
  if [[ -z $REASON ]]; then
    record_renewal snapshot succeeded "$(newest_snapshot)"
    say "took a snapshot of etcd: $(newest_snapshot)"
  elif flock --nonblock 9; then
    note_failure snapshot
  else
    say "no snapshot of etcd was taken, since a step is active on this machine: $REASON"
  fi
}

# attempt COMMAND...: run COMMAND. REASON is why it failed, or empty. In the background, since bash ignores
# errexit wherever a status is tested; for the same reason, nothing may test that of this function.
attempt() {
  REASON=''
  "$@" 2>"$RUN/errors" &
  wait $! || REASON=$(reason_in "$RUN/errors")
}

# reason_in FILE: print the last lines of a command's errors as one, without advice, kubeadm's own included,
# and without what etcdctl does.
reason_in() {
  local lines
  lines=$(grep -v -e '^  what to do: ' -e '^To see the stack trace' -e '^{"level":"info"' "$1" |
    sed "s/^error: $NODE_NAME: //" | tail -n 2 | tr '\n\t' '  ' | sed 's/ *$//') || true
  lines=${lines:0:300}
  echo "${lines:-unknown}"
}

note_failure() { # SUBJECT
  record_renewal "$1" failed "$REASON"
  say "error: the renewal of $1 failed: $REASON" >&2
  FAILED+=("$1: $REASON")
}

# annotate_node: show on the Node what fails, as far as the API answers; the kubelet may annotate its own.
annotate_node() {
  local value="$RENEWAL_ANNOTATION-" list
  if ((${#FAILED[@]})); then
    printf -v list '; %s' "${FAILED[@]}"
    value="$RENEWAL_ANNOTATION=${list:2}"
  fi
  kubectl --kubeconfig /etc/kubernetes/kubelet.conf --cache-dir "$RUN/kubectl" --request-timeout 10s \
    annotate --overwrite node "$NODE_NAME" "$value" >/dev/null 2>&1 || true
}
