#!/usr/bin/env bash
# requires: paths
# settings: NODE_NAME MACHINE_ID
# Shared functions of all node steps. kubeadm-fleet sends the step's settings (shell assignments),
# this text and the step itself on the standard input of a root shell, so that secrets are never
# arguments. Long output goes to the machine's logs; printed lines are for the operator.

# lib_begin: the prologue of everything that changes a machine: first it verifies whose machine it is.
# Steps run serially: after the engine
# was killed, its last step may still be running. It continues to its end without a reader, and the
# next run finds its results.
#
# Without `as-is`, what differs from what was declared is this step's work, until that is recorded as applied
# (judge_settling in drift_report.sh).
lib_begin() { # [as-is]
  set -Eeuo pipefail
  umask 022
  LIB_STARTED=$EPOCHREALTIME
  : "${NODE_NAME:?NODE_NAME is required by every step}"
  identify
  mkdir -p "$STATE" "$LOGS"
  chmod 0700 "$STATE"
  trap '' PIPE
  exec 9>"$STATE/lock"
  flock --nonblock 9 || {
    # On stderr: the standard output may be an answer.
    say "waiting for an earlier run that is still active on this machine" >&2
    flock --timeout 600 9 || die "timed out after 600 s waiting for an earlier run" \
      "run 'lslocks' on the machine to see which process holds $STATE/lock"
  }
  [[ ${1:-} == as-is ]] || {
    exec 7>"$CHANGING"
    flock --shared 7
  }
}

# identify: exit unless this is the machine MACHINE_ID. Another host may answer at its address, with a
# cloned host key, or where any key is accepted.
identify() {
  local found owner=''
  found=$(machine_identity)
  [[ $found != "${MACHINE_ID:?MACHINE_ID is required by every step}" ]] || return 0
  [[ ! -f $STATE/owner ]] || IFS=$'\t' read -r _ owner _ <"$STATE/owner"
  die "the host at $(hostname --all-ip-addresses | cut -d ' ' -f 1) is not $NODE_NAME: it is $(uname -n), ${owner:+enrolled as $owner, }$found instead of $MACHINE_ID; nothing was changed on it" \
    "if it was reinstalled, run 'fleet refresh' and 'fleet up'; otherwise correct the address and the hostKey of $NODE_NAME in the config"
}

# machine_identity: print the identity of this machine, which includes the mark of a host's enrollment.
machine_identity() {
  local id mark=''
  read -r id </etc/machine-id || true
  [[ ! -f $STATE/owner ]] || IFS=$'\t' read -r _ _ mark <"$STATE/owner"
  printf '%s\n' "$id${mark:+-$mark}"
}

# open_run: create a directory in memory for this step's secrets.
open_run() {
  RUN=$(mktemp -d /run/kubeadm-fleet.XXXXXX)
  trap 'rm -rf "$RUN"' EXIT
}

# is_member: has this machine completely joined a cluster (the one of MEMBERSHIP, if it is set)?
is_member() {
  [[ -s $STATE/member && -s /etc/kubernetes/kubelet.conf ]] &&
    [[ -z ${MEMBERSHIP:-} || $(<"$STATE/member") == "$MEMBERSHIP" ]]
}

# is_control_plane: does this member run the control plane?
is_control_plane() {
  [[ -s /etc/kubernetes/controller-manager.conf ]]
}

# fact KEY VALUE: print one fact of a machine.
fact() { printf '%s\t%s\n' "$1" "$2"; }

# say TEXT: print a line of progress, with the seconds since the start of the step.
say() {
  printf '%6.2f s  %s\n' "$(seconds_since "$LIB_STARTED")" "$*" || true
}

# die WHAT NEXT: exit with an error that states the problem and the remedy.
die() {
  printf 'error: %s: %s\n  what to do: %s\n' "$NODE_NAME" "$1" "$2" >&2
  exit 1
}

# counted NUMBER NOUN: print a number with its noun.
counted() {
  echo "$1 $2$( (($1 == 1)) || echo s)"
}

seconds_since() {
  local now=$EPOCHREALTIME
  awk -v from="$1" -v to="$now" 'BEGIN { printf "%.2f", to - from }'
}

# await SECONDS WHAT COMMAND...: run COMMAND until it succeeds, every PAUSE seconds; name WHAT in the timeout error.
await() {
  local limit=$1 what=$2 began=$SECONDS
  shift 2
  until "$@"; do
    if ((SECONDS - began >= limit)); then
      die "timed out after $limit s waiting for $what" \
        "check ${LAST_ANSWER:-the messages above}, fix the cause and run 'fleet up' again"
    fi
    sleep "${PAUSE:-0.1}"
  done
}

# logged NAME COMMAND...: run COMMAND with its output in a log; print the log's end on failure.
logged() {
  local log=$LOGS/$1.log
  shift
  if ! "$@" >"$log" 2>&1 </dev/null; then
    tail -n 40 "$log" >&2
    die "'$1 ${2:-}' failed (full output: $log)" \
      "fix the problem reported above and run 'fleet up' again: it restarts this step"
  fi
}

# persist PATH...: write files and folders, with all in them, to the disk. Without that, a file that was
# written and renamed just before a power cut may be empty after it.
persist() {
  local found
  mapfile -d '' found < <(find "$@" -print0)
  # A running kubelet may have removed one of them.
  sync "${found[@]}" 2>/dev/null || sync --file-system "$@"
}

# secret_file PATH CONTENT: write a file that only root can read, atomically. One that has the content is left,
# since its time says how old a key is.
secret_file() {
  local path=$1
  mkdir -p "${path%/*}"
  if [[ -f $path && ! -L $path ]] && printf '%s\n' "$2" | cmp --silent - "$path"; then
    chown "$EUID:${GROUPS[0]}" "$path"
    chmod 0600 "$path"
    return
  fi
  (umask 077 && printf '%s\n' "$2" >"$path.new")
  mv "$path.new" "$path"
}
