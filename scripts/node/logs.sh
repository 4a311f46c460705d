#!/usr/bin/env bash
# settings: CONTAINER FOLLOW LAST_LINES SINCE_SECONDS UNIT
# Logs of a machine; with FOLLOW=yes also new lines as they are written. Changes nothing and runs as
# root. Only files are read, so this works when neither the API nor the container runtime works. All of
# it ends when standard input does: nothing is left on the machine when the connection is lost.
#   LAST_LINES      how many lines at most, from the end; "" for all
#   SINCE_SECONDS   how old they may be; "" for any age
NO_SUCH_LOG=3
PODS=/var/log/pods

# unit_log: what the journal has of UNIT.
unit_log() {
  if [[ $(systemctl show --property=LoadState --value -- "$UNIT") == not-found ]]; then
    echo "there is no unit $UNIT on this machine" >&2
    return "$NO_SUCH_LOG"
  fi
  local options=("--unit=$UNIT" --no-pager --no-hostname --quiet "--lines=${LAST_LINES:-all}")
  [[ -z $SINCE_SECONDS ]] || options+=("--since=-${SINCE_SECONDS}s")
  [[ $FOLLOW == no ]] || options+=(--follow)
  local readers=()
  exec 3<&0
  journalctl "${options[@]}" </dev/null &
  readers+=($!)
  until_input_ends "${readers[@]}"
}

# container_log: what the containers of the name CONTAINER wrote last, whatever their pods.
container_log() {
  local folder file files=()
  for folder in "$PODS"/*/"$CONTAINER"/; do
    [[ -d $folder ]] || continue
    file=$(newest_log "$folder")
    [[ -z $file ]] || files+=("$file")
  done
  if ((${#files[@]} == 0)); then
    echo "there is no log of a container $CONTAINER on this machine; containers with logs: $(container_names)" >&2
    return "$NO_SUCH_LOG"
  fi
  local readers=() options=()
  [[ $FOLLOW == no ]] || options+=(--follow=name --retry)
  exec 3<&0
  for file in "${files[@]}"; do
    tail --lines="$(line_count "$file")" "${options[@]}" -- "$file" </dev/null 2>/dev/null \
      > >(messages) &
    readers+=($!)
  done
  until_input_ends "${readers[@]}"
}

# until_input_ends PID...: wait for them, and end them when descriptor 3 ends.
until_input_ends() {
  {
    cat
    kill "$@"
  } <&3 >/dev/null 2>&1 &
  exec 3<&-
  wait "$@"
}

newest_log() {
  find "$1" -maxdepth 1 -name '*.log' -printf '%T@ %p\n' | sort --numeric-sort | tail -n 1 |
    cut -d ' ' -f 2-
}

container_names() {
  find "$PODS" -mindepth 2 -maxdepth 2 -type d -printf '%f\n' | sort --unique | paste -sd ' '
}

# line_count FILE: how many lines at its end are wanted, in the form that tail takes.
line_count() {
  local since count
  if [[ -z $SINCE_SECONDS ]]; then
    echo "${LAST_LINES:-+1}"
    return
  fi
  # The runtime writes the time in front of each line, in the machine's own zone.
  since=$(date --date="-$SINCE_SECONDS seconds" +%Y-%m-%dT%H:%M:%S)
  count=$(awk -v since="$since" 'substr($1, 1, 19) >= since { n++ } END { print n + 0 }' "$1")
  echo $((LAST_LINES && LAST_LINES < count ? LAST_LINES : count))
}

# messages: what the container wrote, without the time, the stream and the flag in front of it.
# https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
messages() {
  sed --unbuffered --regexp-extended 's/^[^ ]+ (stdout|stderr) [FP] ?//'
}
