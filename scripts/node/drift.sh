#!/usr/bin/env bash
# requires: lib digest kernel renewal_record
# What differs on this member from what was declared, which is what the last change recorded as applied
# (applied_state.sh), and what was installed (STATE/files). Reads only; no settings.
#
# A file is read again only if its inode, size, mode or one of its times has changed since (CACHE): ctime
# cannot be set back. FINDINGS has a line for each difference: kind, name and the rest of a sentence,
# separated by tabs.
DRIFT_STATE=$STATE/drift
DRIFT_CACHE=$DRIFT_STATE/cache
LOGIN_IN_URL='://[^/@[:space:]]+:[^/@[:space:]]+@'
MODULES_FOLDER=/proc/sys/net/bridge
# The services that every member has, and those that only some have.
ALWAYS_ACTIVE="containerd kubelet"
OWN_UNITS=(containerd.service kubelet.service kubeadm-fleet-haproxy.service kubeadm-fleet-keepalived.service
  kubeadm-fleet-renewal.timer kubeadm-fleet-drift.timer)
# What the first of these timers starts. The other one's failure shows in that there is no report.
JOB='kubeadm-fleet-renewal.service'
UNITS_FOLDER=/etc/systemd/system
# So often may a service have been restarted before it counts as crash-looping.
MANY_RESTARTS=3

# look quick|complete [PATH...]: find all differences, and read these other files. A quick look does not read a
# program that has the size and the time that it was installed with.
look() {
  declare -gA DECLARED=() RAN=() SUMS=() TIMES=() SIGNATURES=() CACHE=() SYSCTLS=() LOADED=() UNITS=()
  declare -g FINDINGS=() CACHE_CHANGED=no
  read_declared
  read_installed
  read_cache
  read_signatures "${!DECLARED[@]}" "${!SUMS[@]}" "${@:2}"
  hash_changed "$1" "${!DECLARED[@]}" "${!SUMS[@]}" "${@:2}"
  judge_files
  judge_programs
  judge_sysctls
  judge_modules
  judge_units
}

finding() { # KIND NAME WHAT
  FINDINGS+=("$1"$'\t'"$2"$'\t'"$3")
}

# read_declared: DECLARED has the checksums of files by path, RAN the states of services by name.
read_declared() {
  local key value
  [[ -f $APPLIED_STATE ]] || return 0
  while IFS=$'\t' read -r key value; do
    case $key in
      # Of the API server's certificate, only the names are declared.
      file:*' (its names)') ;;
      file:* | secret:*) DECLARED[${key#*:}]=$value ;;
      service:*) RAN[${key#service:}]=$value ;;
    esac
  done <"$APPLIED_STATE"
}

# read_installed: SUMS has the checksums that a program was installed with, TIMES its sizes and times; after
# a change that was rolled back, the previous programs are in use.
read_installed() {
  local path origin size time
  [[ -f $STATE/files ]] || return 0
  while IFS=$'\t' read -r path origin size time; do
    [[ $path != "$STATE"/* ]] || continue
    SUMS[$path]="${SUMS[$path]:-} $origin "
    TIMES[$path]="${TIMES[$path]:-}[$size $time]"
  done <"$STATE/files"
}

read_cache() {
  local key signature value
  [[ -f $DRIFT_CACHE ]] || return 0
  while IFS=$'\t' read -r key signature value; do
    CACHE[$key]=$signature$'\t'$value
  done <"$DRIFT_CACHE"
}

# read_signatures PATH...: SIGNATURES has size, times, inode and mode of those that exist, by path.
read_signatures() {
  local path rest
  (($#)) || return 0
  while IFS=$'\t' read -r path rest; do
    SIGNATURES[$path]=$rest
  done < <(stat --dereference --printf '%n\t%s %.Y %.Z %i %a\n' -- "$@" 2>/dev/null)
}

# cached KEY SIGNATURE: VALUE is what was kept for this key with this signature; fail if nothing was.
cached() {
  VALUE=${CACHE[$1]:-}
  [[ $VALUE == "$2"$'\t'* ]] || return 1
  VALUE=${VALUE#*$'\t'}
}

keep() { # KEY SIGNATURE VALUE
  CACHE[$1]=$2$'\t'$3
  # shellcheck disable=SC2034
  CACHE_CHANGED=yes
}

# hash_changed HOW PATH...: read those that have changed, all in one process.
hash_changed() {
  local how=$1 path sum modified=() texts=()
  shift
  for path; do
    [[ -v SIGNATURES[$path] ]] || continue
    ! cached "$path" "${SIGNATURES[$path]}" || continue
    if [[ -v SUMS[$path] ]]; then
      [[ $how != quick ]] || ! is_as_installed "$path" || continue
      modified+=("$path")
    elif [[ $path == */certs.d/* ]]; then
      # The declared checksum leaves its passwords out.
      keep "$path" "${SIGNATURES[$path]}" "$(digest "$path")"
    else
      modified+=("$path")
      texts+=("$path")
    fi
  done
  if ((${#modified[@]})); then
    while read -r sum path; do
      keep "$path" "${SIGNATURES[$path]}" "$sum"
    done < <(checksums "${modified[@]}")
  fi
  if ((${#texts[@]})); then
    while read -r path; do
      keep "secret:$path" "${SIGNATURES[$path]}" yes
    done < <(grep --files-with-matches --no-messages --extended-regexp "$LOGIN_IN_URL" -- "${texts[@]}")
  fi
}

# is_as_installed PATH: has this program the size and the time that it was installed with?
is_as_installed() {
  local size time
  read -r size time _ <<<"${SIGNATURES[$1]}"
  [[ ${TIMES[$1]} == *"[$size $time]"* ]]
}

# sum_of PATH: VALUE is the checksum of a file, or missing.
sum_of() {
  VALUE=missing
  [[ ! -v SIGNATURES[$1] ]] || cached "$1" "${SIGNATURES[$1]}" || VALUE=unread
}

judge_files() {
  local path sum kind
  for path in "${!DECLARED[@]}"; do
    sum_of "$path"
    sum=$VALUE
    [[ $sum != "${DECLARED[$path]}" && $sum != unread ]] || continue
    kind='file'
    ! is_secret "$path" || kind='secret'
    [[ $path != "$KUBELET_KUBECONFIG" ]] || kind=kubeconfig
    if [[ $sum == missing ]]; then
      finding $kind "$path" "is gone"
    elif [[ ${DECLARED[$path]} == missing ]]; then
      finding $kind "$path" "appeared"
    else
      finding $kind "$path" "was changed"
    fi
  done
}

# is_secret PATH: may this file have passwords or keys, which could be guessed from its digest? The config's
# own files of components may be anything.
is_secret() {
  case $1 in
    */api-server/secrets/* | "$STATE"/*/files/* | */proxy.env | *-proxy.conf | */certs.d/* | *.key) ;;
    # Of each machine and of each cluster another one: there is nothing to compare.
    "$KUBELET_KUBECONFIG" | "$CLUSTER_CA") ;;
    *) [[ -v SIGNATURES[$1] ]] && cached "secret:$1" "${SIGNATURES[$1]}" ;;
  esac
}

judge_programs() {
  local path
  for path in "${!SUMS[@]}"; do
    sum_of "$path"
    if [[ $VALUE == missing ]]; then
      finding program "$path" "is gone"
    elif [[ $VALUE != unread && ${SUMS[$path]} != *" $VALUE "* ]]; then
      # What was downloaded is recorded with its address.
      if [[ ${SUMS[$path]} == *://* ]] && is_as_installed "$path"; then continue; fi
      finding program "$path" "was replaced"
    fi
  done
}

judge_sysctls() {
  local setting value now
  [[ -f $KERNEL_SETTINGS ]] || return 0
  while read -r setting _ value; do
    now=missing
    { read -r now <"/proc/sys/${setting//.//}"; } 2>/dev/null || true
    # shellcheck disable=SC2034
    SYSCTLS[$setting]=$now
    [[ $now == "$value" ]] || finding sysctl "$setting" "is $now instead of $value"
  done <"$KERNEL_SETTINGS"
}

judge_modules() {
  local name
  LOADED=([overlay]=missing [br_netfilter]=missing)
  while read -r name; do
    [[ $name != *overlay ]] || LOADED[overlay]=loaded
  done </proc/filesystems
  [[ ! -d $MODULES_FOLDER ]] || LOADED[br_netfilter]=loaded
  for name in "${!LOADED[@]}"; do
    [[ ${LOADED[$name]} == loaded ]] || finding module "$name" "is not loaded"
  done
}

# judge_units: those of this machine; UNITS has their states by name.
judge_units() {
  local unit units=() key value
  local -A shown=()
  for unit in "${OWN_UNITS[@]}" "$JOB"; do
    [[ ! -f $UNITS_FOLDER/$unit ]] || units+=("$unit")
  done
  ((${#units[@]})) || return 0
  while IFS='=' read -r key value; do
    if [[ -n $key ]]; then
      shown[$key]=$value
      continue
    fi
    ((${#shown[@]} == 0)) || judge_unit
    shown=()
  done < <(systemctl show --property=Id,ActiveState,SubState,NRestarts,UnitFileState,DropInPaths -- "${units[@]}" && echo)
}

judge_unit() { # uses `shown`
  local unit=${shown[Id]} active=${shown[ActiveState]:-unknown} file=${shown[UnitFileState]:-unknown} name path
  name=${unit%.service}
  if [[ $unit == "$JOB" ]]; then
    judge_job "$active"
    return
  fi
  # shellcheck disable=SC2034
  UNITS[$unit]="$active $file"
  if [[ " $ALWAYS_ACTIVE " == *" $name "* || " active activating reloading " == *" ${RAN[$name]:-} "* ]]; then
    if [[ " active activating reloading deactivating " != *" $active "* ]]; then
      finding unit "$unit" "is $active"
    elif [[ ${shown[SubState]:-} == auto-restart* ]] && ((${shown[NRestarts]:-0} >= MANY_RESTARTS)); then
      finding unit "$unit" "is crash-looping"
    fi
    [[ $file == enabled* ]] || finding boot "$unit" "is $file: it would not start at the next boot"
  fi
  for path in ${shown[DropInPaths]:-}; do
    # What was there when the machine was changed last is somebody's decision.
    [[ -v DECLARED[$path] || ! $path -nt $APPLIED_STATE ]] || finding drop-in "$path" "changes $unit"
  done
}

# judge_job STATE: a job that failed without saying why itself: what it records, its Node and the backup's
# state show.
judge_job() {
  [[ $1 == failed ]] || return 0
  grep --quiet --no-messages $'\tfailed\t' "$RENEWALS" || finding job "$JOB" "has failed"
}
