#!/usr/bin/env bash
# Found the cluster on this machine: done once in the cluster's life, by whichever machine it began
# with. Where the cluster answers nothing is founded, and where only its endpoint is silent founding
# is refused: a second cluster beside the first would be worse than none. Safe to run again.
initialise() { # EXCEPTIONS to kubeadm's preflight checks
  deliver_trust
  printf '%s\n' "$INIT_DOCUMENTS" >"$RUN/init.yaml"
  logged init kubeadm init --config "$RUN/init.yaml" --skip-token-print "$@"
}

# is_unfinished: did an earlier run begin to found this very cluster here?
is_unfinished() {
  has_remains && [[ -d /var/lib/etcd/member ]] &&
    diff --ignore-blank-lines /etc/kubernetes/pki/ca.crt "$RUN/ca.crt" >/dev/null
}

# kubeadm init cannot do without a bootstrap token; machines of this fleet join without one.
drop_tokens() {
  kubectl --kubeconfig /etc/kubernetes/super-admin.conf --cache-dir "$RUN/kubectl" \
    --namespace kube-system delete secret \
    --field-selector type=bootstrap.kubernetes.io/token --ignore-not-found >"$LOGS/tokens.log"
}

# living_members: name the other control planes that have something of the cluster, one a line.
living_members() {
  local address
  for address in $OTHER_CONTROL_PLANES; do
    living_member "$address" &
  done
  wait
}

# living_member ADDRESS: an API server that our CA vouches for, in whatever state, or any etcd.
living_member() {
  local code
  code=$(curl --silent --output /dev/null --write-out '%{http_code}' --connect-timeout 1 --max-time 3 \
    --cacert "$RUN/ca.crt" "https://$1:6443/livez" 2>/dev/null) || true
  if [[ $code != 000 ]]; then
    echo "$1 (its API server: status $code)"
  elif timeout 1 bash -c "exec 3<>/dev/tcp/$1/2380" 2>/dev/null; then
    echo "$1 (its etcd)"
  fi
}

# look: does the endpoint answer (ANSWERS), and which other control planes live (LIVING)?
look() {
  ANSWERS=no
  living_members >"$RUN/living" &
  if answers "https://$ENDPOINT/readyz" 200; then
    ANSWERS=yes
  fi
  wait
  LIVING=$(sort "$RUN/living" | tr '\n' ' ')
}

# is_to_be_founded: is this machine to found the cluster, or to finish what it began of that?
is_to_be_founded() {
  ! is_member || return
  look
  [[ $ANSWERS == no ]] || { is_unfinished && [[ -z $LIVING ]]; }
}

# want_snapshot: say whether the snapshot is needed here and missing.
want_snapshot() {
  open_run
  if is_to_be_founded && ! { is_unfinished && is_restored; } && ! is_whole "$SNAPSHOT_FILE"; then
    echo wanted
  else
    echo needless
  fi
}

found() {
  local exceptions
  if is_unfinished && is_restored && [[ -z $LIVING ]]; then
    # Workers may have joined it meanwhile: it is finished, not begun anew.
    say "finishing a foundation that was cut off"
    initialise --ignore-preflight-errors=all
  elif [[ -n $LIVING ]]; then
    die "https://$ENDPOINT does not answer, but other control planes of the cluster live: $LIVING" \
      "mend the endpoint or etcd there and run 'pulumi up' again; nothing was founded here"
  else
    say "initialising: $ENDPOINT does not answer"
    clear_remains
    mapfile -t exceptions < <(preflight_exceptions)
    if [[ -n ${SNAPSHOT:-} ]]; then
      restore
      exceptions+=(--ignore-preflight-errors=DirAvailable--var-lib-etcd)
    fi
    initialise "${exceptions[@]}"
  fi
  end_membership
  say "the API answers"
}

step_foundation() {
  open_run
  if ! is_member; then
    if ! is_to_be_founded; then
      drop_snapshot
      say "the cluster is there already"
      return
    fi
    found
  fi
  drop_snapshot
  drop_tokens
  say "founded"
}
