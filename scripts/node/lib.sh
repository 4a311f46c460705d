#!/usr/bin/env bash
# What every node step shares. The program sends the step's settings (shell assignments), this text
# and the step itself on the standard input of a root shell, so that no secret is ever an argument.
# Long output goes to the machine's own logs; what is printed is for the operator.
set -Eeuo pipefail
umask 022

STATE=/var/lib/kubeadm-fleet
LOGS=/var/log/kubeadm-fleet
STARTED=$EPOCHREALTIME
: "${NODE_NAME:?the program sends NODE_NAME to every step}"
mkdir -p "$STATE" "$LOGS"
chmod 0700 "$STATE"
# One step at a time: when the engine was killed, its last step may still be at work. It goes on to
# its end although nobody listens any more, and the next run finds done what it did.
trap '' PIPE
exec 9>"$STATE/lock"

# say TEXT: one line of progress, with the seconds since the step began.
say() {
  printf '%6.2f s  %s\n' "$(seconds_since "$STARTED")" "$*" || true
}

# die WHAT NEXT: an error that says what happened and what to do.
die() {
  printf 'error: %s: %s\n  what to do: %s\n' "$NODE_NAME" "$1" "$2" >&2
  exit 1
}

seconds_since() {
  local now=$EPOCHREALTIME
  awk -v from="$1" -v to="$now" 'BEGIN { printf "%.2f", to - from }'
}


# await SECONDS WHAT COMMAND...: run COMMAND until it succeeds; WHAT is named when it does not.
await() {
  local limit=$1 what=$2 began=$SECONDS
  shift 2
  until "$@"; do
    if ((SECONDS - began >= limit)); then
      die "waited $limit s for $what" "look at ${LAST_ANSWER:-the messages above}, mend it, and run 'pulumi up' again"
    fi
    sleep 0.1
  done
}

# logged NAME COMMAND...: run COMMAND with its output in a log; show the end of it on failure.
logged() {
  local log=$LOGS/$1.log
  shift
  if ! "$@" >"$log" 2>&1 </dev/null; then
    tail -n 40 "$log" >&2
    die "'$1 ${2:-}' failed (all of its output: $log)" \
      "mend what the last lines name and run 'pulumi up' again: the step starts afresh"
  fi
}

# secret_file PATH CONTENT: write a file that only root can read, atomically.
secret_file() {
  local path=$1
  mkdir -p "${path%/*}"
  (umask 077 && printf '%s\n' "$2" >"$path.new")
  mv "$path.new" "$path"
}

# record_applied_file PATH...: what this step wrote there is what a later look is to find (applied_state.sh).
record_applied_file() {
  local path sum
  [[ -f $STATE/applied-state ]] || return 0
  for path in "$@"; do
    sum=missing
    [[ ! -f $path ]] || sum=$(sha256sum "$path")
    grep -vF $'file:'"$path"$'\t' "$STATE/applied-state" >"$STATE/applied-state.new" || true
    printf 'file:%s\t%s\n' "$path" "${sum%% *}" >>"$STATE/applied-state.new"
    mv "$STATE/applied-state.new" "$STATE/applied-state"
  done
}

flock --nonblock 9 || {
  say "an earlier run is still at work on this machine; waiting for it"
  flock --timeout 600 9 || die "waited 600 s for an earlier run" "look at 'fuser -v $STATE/lock'"
}
