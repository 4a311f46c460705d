#!/usr/bin/env bash
# requires: lib
# Services and static pods that end again and again: what systemd and the kubelet call running for a
# moment after each restart. Only functions.
CRASHING=crash-looping
POD_LOGS=/var/log/pods
# How long one must have run to count as running, and how often it must have been restarted before.
STEADY_SECONDS=10
RESTARTS=3
# What errors look like in the logs of klog, logrus, haproxy and plain programs.
# Without interval expressions, which mawk lacks.
ERRORS='^([EF][0-9][0-9][0-9][0-9] |error|fatal|panic)|level=(error|fatal)|\[ALERT\]'

# service_state NAME: print systemd's state (active, inactive, failed, ...), or that it is crash-looping.
service_state() {
  local -A shown=()
  local key value up age
  while IFS='=' read -r key value; do
    shown[$key]=$value
  done < <(systemctl show --property=ActiveState,SubState,NRestarts,ExecMainStartTimestampMonotonic "$1")
  # In hundredths of a second; systemd's clock has microseconds.
  read -r up _ </proc/uptime
  age=$(((10#${up/./} - ${shown[ExecMainStartTimestampMonotonic]:-0} / 10000) / 100))
  if ((${shown[NRestarts]:-0} >= RESTARTS)) &&
    [[ ${shown[SubState]:-} == auto-restart* || (${shown[ActiveState]:-} == activ* && $age -lt $STEADY_SECONDS) ]]; then
    echo "$CRASHING"
  else
    echo "${shown[ActiveState]:-unknown}"
  fi
}

# service_crash NAME: print why a service is crash-looping, in its own words; nothing if it is not.
service_crash() {
  [[ $(service_state "$1") != "$CRASHING" ]] || service_error "$1"
}

# service_error NAME: print the last error that it logged.
service_error() {
  journalctl --quiet --no-pager --output=cat --lines=1000 "_SYSTEMD_UNIT=$1.service" 2>/dev/null | last_words
}

# pod_crash NAME: print why a static pod of this name is crash-looping; nothing if it is not. The kubelet
# keeps the log of the container before the current one, and names both by the number of restarts.
pod_crash() {
  local folder logs=() age
  age=$(ps -o etimes= -p "$(pgrep --oldest --full "^$1( |\$)" || echo 0)" 2>/dev/null) || true
  [[ -z $age || $age -lt $STEADY_SECONDS ]] || return 0
  folder=$(find "$POD_LOGS" -mindepth 2 -maxdepth 2 -path "*/kube-system_$1-*/$1" -printf '%T@ %p\n' 2>/dev/null |
    sort --numeric-sort | tail -n 1 | cut -d ' ' -f 2-) || true
  [[ -n $folder ]] || return 0
  mapfile -t logs < <(find "$folder" -name '*.log' -printf '%f\n' | sort --numeric-sort | tail -n 2)
  ((${#logs[@]} == 2)) || return 0
  ((${logs[1]%.log} >= RESTARTS - 1)) || return 0
  ended_quickly "$folder/${logs[0]}" || return 0
  # One that a step has ended itself (scripts/node/static-pods.sh) is no crash.
  (($(began "$folder/${logs[0]}") >= $(stat --format %Y "$STATE/components-ended" 2>/dev/null || echo 0))) || return 0
  cat "$folder/${logs[0]}" "$folder/${logs[1]}" | sed -E 's/^[^ ]+ (stdout|stderr) [FP] //' | last_words
}

# ended_quickly LOG: did its container live for a few seconds only?
ended_quickly() {
  (($(stat --format %Y "$1") - $(began "$1") < STEADY_SECONDS))
}

# began LOG: print when its container wrote its first line, in seconds since the epoch.
began() {
  date --date="$(head -n 1 "$1" | cut -d ' ' -f 1)" +%s 2>/dev/null || echo 0
}

# last_words: print the last error on standard input, or else its last line: shortened, and without
# klog's header or anything that may be a credential.
last_words() {
  awk -v errors="$ERRORS" '
    NF { last = $0 }
    tolower($0) ~ tolower(errors) || $0 ~ errors { error = $0 }
    END { print error ? error : last ? last : "it logged nothing" }' |
    sed -E 's/^[IWEF][0-9]{4} [^]]*\] //
      s/((token|password|secret|authorization)[a-z-]*["=: ]+)(bearer )?[^ ",]+/\1***/Ig' |
    tr '\t' ' ' | cut -c 1-300
}

# unless_crashing KIND NAME COMMAND...: for `await`: succeed if COMMAND does; end the step if the service
# or static pod is crash-looping instead.
unless_crashing() {
  local kind=$1 name=$2 why
  shift 2
  if "$@"; then return; fi
  why=$("${kind}_crash" "$name")
  [[ -z $why ]] || die "$name is $CRASHING: $why" \
    "correct the setting that it names, or the machine, and run 'fleet up' again"
  return 1
}

# logged_beside_kubelet NAME COMMAND...: `logged` for a command that starts the kubelet and waits for it:
# minutes, also for one that is crash-looping, with which it ends here.
logged_beside_kubelet() {
  local process why
  logged "$@" &
  process=$!
  while kill -0 "$process" 2>/dev/null; do
    if [[ -s /var/lib/kubelet/config.yaml ]] && why=$(service_crash kubelet) && [[ -n $why ]]; then
      pkill --parent "$process" || true
      wait "$process" || true
      die "the kubelet is $CRASHING: $why" \
        "correct the setting that it names, or the machine, and run 'fleet up' again"
    fi
    sleep 1
  done
  wait "$process"
}
