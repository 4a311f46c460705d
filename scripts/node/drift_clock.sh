#!/usr/bin/env bash
# requires: lib drift
# How far this member's clock is from that of the API server, which says its time with every answer (`Date`, to the
# second): some time after it was asked and before its answer was here. An answer that is late makes the measure less
# exact, and never another one. Reads only; no settings.
#
# A service for it keeps a clock within milliseconds, etcd warns of one second. This is measured to 2 seconds.
SKEW_SECONDS=5
# Smaller changes are those of the measure.
SKEW_STEP=2
ANSWER_SECONDS=3

# judge_skew: AHEAD is by how many seconds this machine's clock is ahead of the API server's, negative if it is
# behind, 0 if they do not differ; empty while that is not known. Of several API servers, one may be off itself: who
# agrees with one of three that were asked is not off.
judge_skew() {
  local server limit=$SKEW_SECONDS before='' nearest=''
  ! cached skew seconds || before=$VALUE
  AHEAD=$before
  # What is close to the limit does not come and go.
  ((!before)) || limit=$((SKEW_SECONDS - 1))
  server=$(api_url)
  [[ -n $server ]] || return 0
  for _ in 1 2 3; do
    measure_skew "$server" || break
    if [[ -z $nearest ]] || ((${VALUE#-} < ${nearest#-})); then nearest=$VALUE; fi
    ((${nearest#-} > limit * 1000)) || break
  done
  [[ -n $nearest ]] || return 0
  AHEAD=0
  if ((${nearest#-} > limit * 1000)); then
    AHEAD=$(((nearest + (nearest > 0 ? 500 : -500)) / 1000))
    if ((before && AHEAD - before < SKEW_STEP && before - AHEAD < SKEW_STEP)); then AHEAD=$before; fi
  fi
  [[ $AHEAD == "$before" ]] || keep skew seconds "$AHEAD"
}

# api_url: print where this machine's kubelet reaches the API.
api_url() {
  local key value
  [[ -f $KUBELET_KUBECONFIG ]] || return 0
  while read -r key value; do
    if [[ $key == server: ]]; then
      echo "$value"
      return
    fi
  done <"$KUBELET_KUBECONFIG"
}

# measure_skew URL: VALUE is by how many milliseconds this clock is ahead. A clock that is wrong takes certificates
# for expired, or for not valid yet: who answers is not verified, and nothing but the time is taken from it.
measure_skew() {
  local begin end line date='' seconds
  begin=$((${EPOCHREALTIME/./} / 1000))
  while IFS= read -r line; do
    if [[ ${line,,} == date:* ]]; then date=${line#*: }; fi
  done < <(curl --disable --silent --insecure --noproxy '*' --max-time "$ANSWER_SECONDS" --output /dev/null \
    --dump-header - "$1/livez")
  end=$((${EPOCHREALTIME/./} / 1000))
  [[ $date =~ ^[A-Z][a-z]{2},\ [0-9]{2}\ [A-Z][a-z]{2}\ [0-9]{4}\ [0-9:]{8}\ GMT ]] || return 1
  # This machine was busy, or its clock was set meanwhile.
  ((end >= begin && end - begin <= ANSWER_SECONDS * 1000)) || return 1
  seconds=$(date --utc --date "${BASH_REMATCH[0]}" +%s 2>/dev/null) || return 1
  VALUE=$(((begin + end) / 2 - seconds * 1000 - 500))
}
