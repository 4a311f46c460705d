#!/usr/bin/env bash
# requires: lib drift drift_clock drift_machine leaves renewal_record snapshots timers
# The report of this member on itself, as JSON below /run: what differs from what was declared, digests,
# settings, and when its certificates expire. A timer runs this every 20 seconds (model/render/drift.py);
# the probe pod publishes it (manifests/baseline/probe.yaml); model/host_digests.py reads it. No settings.
#
# Nothing in it is secret: of files that may have passwords or keys it says only whether they are as declared.
DRIFT_REPORT=$DRIFT_FOLDER/report.json
# Differences, with since when (Unix time), in the format of FINDINGS.
DRIFT_FINDINGS=$DRIFT_STATE/findings
# What a step writes is recorded as applied at the end of the machine's turn, or by nobody: another step may follow
# within this time.
SETTLING_SECONDS=60
DIGEST_DIGITS=16
# Programs that say their version.
VERSIONED=(/usr/local/bin/kubelet /usr/local/bin/kubeadm /usr/local/bin/containerd /usr/sbin/runc)
# Settings that clusters are compared by, besides those that are declared.
COMPARED_SYSCTLS=(fs.file-max fs.inotify.max_user_instances fs.inotify.max_user_watches
  net.core.somaxconn net.ipv4.ip_local_port_range net.netfilter.nf_conntrack_max vm.max_map_count vm.swappiness)

report_drift() {
  set -Eeuo pipefail
  export LC_ALL=C
  umask 022
  shopt -s nullglob
  local others=() path
  # Kept open, to see whether another one is recorded meanwhile.
  [[ ! -f $APPLIED_STATE ]] || exec 7<"$APPLIED_STATE"
  for path in /etc/cni/net.d/*.conf /etc/cni/net.d/*.conflist; do
    # Others write them as well.
    [[ $path == *[^[:alnum:]/._-]* ]] || others+=("$path")
  done
  [[ -d $DRIFT_FOLDER && -d $DRIFT_STATE ]] || mkdir -p "$DRIFT_FOLDER" "$DRIFT_STATE"
  look complete "${others[@]}"
  read_signatures "${VERSIONED[@]}" "$CHANGING" "$APPLIED_STATE" "$0"
  judge_swap
  judge_clock
  judge_skew
  judge_disks
  judge_manifests
  judge_permissions
  judge_etcd
  read_certificates
  read_versions
  judge_settling
  date_findings
  write_report "${others[@]}"
  [[ $CACHE_CHANGED == no ]] || write_cache
}

# read_certificates: CERTIFICATES has the expiry (Unix time) of each leaf, by name, and ISSUED its beginning.
read_certificates() {
  local name path script=${SIGNATURES[$0]:-}
  declare -gA CERTIFICATES=() ISSUED=()
  local -A files=([kubelet-client]=/var/lib/kubelet/pki/kubelet-client-current.pem [kubelet-serving]=$KUBELET_SERVING)
  if is_control_plane; then
    for name in "${LEAVES[@]}"; do
      cached "path:$name" "$script" || keep "path:$name" "$script" "$(leaf_path "$name")"
      cached "path:$name" "$script"
      files[$name]=$VALUE
    done
  fi
  read_signatures "${files[@]}"
  for name in "${!files[@]}"; do
    path=${files[$name]}
    [[ -v SIGNATURES[$path] ]] || continue
    cached "validity:$name" "${SIGNATURES[$path]}" || keep "validity:$name" "${SIGNATURES[$path]}" "$(validity_in "$name" "$path")"
    cached "validity:$name" "${SIGNATURES[$path]}"
    # shellcheck disable=SC2034
    [[ -z $VALUE ]] || CERTIFICATES[$name]=${VALUE#* } ISSUED[$name]=${VALUE% *}
  done
}

validity_in() { # NAME PATH: print when a certificate begins to be valid, and when it expires
  local certificate begin end
  if [[ $1 == admin.conf ]]; then
    certificate=$(leaf_certificate admin.conf) || return 0
  else
    certificate=$(openssl x509 -in "$2" 2>/dev/null) || return 0
  fi
  begin=$(date_of startdate "$certificate") || return 0
  end=$(date_of enddate "$certificate") || return 0
  echo "$begin $end"
}

# read_versions: VERSIONS has those of programs, by name. They are asked again when they have been replaced.
read_versions() {
  local name path line
  declare -gA VERSIONS=([kernel]=$(</proc/sys/kernel/osrelease))
  for path in "${VERSIONED[@]}"; do
    [[ -v SIGNATURES[$path] ]] || continue
    name=${path##*/}
    cached "version:$name" "${SIGNATURES[$path]}" || keep "version:$name" "${SIGNATURES[$path]}" "$(version_in "$path")"
    cached "version:$name" "${SIGNATURES[$path]}"
    VERSIONS[$name]=$VALUE
  done
  while read -r line; do
    [[ $line != PRETTY_NAME=* ]] || VERSIONS[system]=${line//\"/}
  done </etc/os-release
  VERSIONS[system]=${VERSIONS[system]#PRETTY_NAME=}
}

version_in() { # PATH
  case ${1##*/} in
    kubeadm) "$1" version --output short 2>/dev/null || true ;;
    kubelet) "$1" --version 2>/dev/null | cut -d ' ' -f 2 || true ;;
    containerd) "$1" --version 2>/dev/null | cut -d ' ' -f 3 || true ;;
    runc) "$1" --version 2>/dev/null | awk 'NR == 1 {print $3}' || true ;;
  esac
}

# date_findings: put since when into each line of FINDINGS, from the record if it is known already. What is new
# while steps change the machine is theirs.
date_findings() {
  local kind name what since line before='' now='' dated=()
  local -A known=()
  if [[ -f $DRIFT_FINDINGS ]]; then
    while IFS=$'\t' read -r kind name what since; do
      known[$kind$'\t'$name]=$since
      before+="$kind"$'\t'"$name"$'\t'"$what"$'\t'"$since"$'\n'
    done <"$DRIFT_FINDINGS"
  fi
  for line in "${FINDINGS[@]}"; do
    IFS=$'\t' read -r kind name what <<<"$line"
    since=${known[$kind$'\t'$name]:-}
    if [[ -z $since && $SETTLING == yes && " swap clock disk etcd job " != *" $kind "* ]]; then continue; fi
    dated+=("$kind"$'\t'"$name"$'\t'"$what"$'\t'"${since:-$EPOCHSECONDS}")
  done
  FINDINGS=()
  if ((${#dated[@]})); then
    mapfile -t FINDINGS < <(printf '%s\n' "${dated[@]}" | sort)
    printf -v now '%s\n' "${FINDINGS[@]}"
  fi
  [[ $now != "$before" ]] || return 0
  printf '%s' "$now" >"$DRIFT_FINDINGS.new"
  mv "$DRIFT_FINDINGS.new" "$DRIFT_FINDINGS"
}

# judge_settling: SETTLING is yes while a step of the program changes this machine, and until that is recorded
# as applied or nothing more can follow. What this control plane does by the clock is no such step.
judge_settling() {
  local begun inode line step
  SETTLING=no
  [[ -v SIGNATURES[$APPLIED_STATE] ]] || return 0
  # What was read before may be of before, too.
  [[ /dev/fd/7 -ef $APPLIED_STATE ]] || SETTLING=yes
  [[ -v SIGNATURES[$CHANGING] && $CHANGING -nt $APPLIED_STATE ]] || return 0
  read -r _ begun _ inode _ <<<"${SIGNATURES[$CHANGING]}"
  while read -r line; do
    [[ $line == *" FLOCK "*":$inode "* ]] || continue
    # It may end before the next report, long after it began.
    keep step seen "$EPOCHSECONDS"
    SETTLING=yes
    return
  done </proc/locks
  step=${begun%.*}
  if cached step seen && ((VALUE > step)); then step=$VALUE; fi
  # A clock that was set back is no reason to wait.
  ((EPOCHSECONDS < step || EPOCHSECONDS - step >= SETTLING_SECONDS)) || SETTLING=yes
}

# write_report OTHER...: write all of it, with the digests of these files as well.
write_report() {
  local path sum line kind name what since value pairs=() differs=''
  JSON="{\"time\": $EPOCHSECONDS, \"version\": 1"
  for path in "${!DECLARED[@]}" "$@"; do
    sum_of "$path"
    sum=$VALUE
    if [[ $sum == unread || ($sum == missing && ${DECLARED[$path]:-} == missing) ]]; then continue; fi
    value=${sum:0:DIGEST_DIGITS}
    if [[ $sum != missing ]] && is_secret "$path"; then
      value=different
      [[ $sum != "${DECLARED[$path]:-}" ]] || value=same
    fi
    pairs+=("$path" "$value")
  done
  add_section files "${pairs[@]}"
  pairs=()
  for path in "${!SUMS[@]}"; do
    sum_of "$path"
    pairs+=("$path" "${VALUE:0:DIGEST_DIGITS}")
  done
  add_section programs "${pairs[@]}"
  for name in "${COMPARED_SYSCTLS[@]}"; do
    { read -r value <"/proc/sys/${name//.//}"; } 2>/dev/null || continue
    # shellcheck disable=SC2034,SC2004
    SYSCTLS[$name]=$value
  done
  add_array sysctls SYSCTLS
  add_array modules LOADED
  add_array units UNITS
  add_array versions VERSIONS
  add_array certificates CERTIFICATES
  add_array issued ISSUED
  add_array disks DISKS
  JSON+=", \"swap\": \"$SWAP\", \"clock\": \"$CLOCK\""
  [[ -z $AHEAD ]] || JSON+=", \"ahead\": $AHEAD"
  ! is_control_plane || add_backup
  for line in "${FINDINGS[@]}"; do
    IFS=$'\t' read -r kind name what since <<<"$line"
    quote_into kind "$kind"
    quote_into name "$name"
    quote_into what "$what"
    differs+=", {\"kind\": $kind, \"name\": $name, \"what\": $what, \"since\": $since}"
  done
  printf '%s, "differs": [%s]}\n' "$JSON" "${differs#, }" >"$DRIFT_REPORT.new"
  mv "$DRIFT_REPORT.new" "$DRIFT_REPORT"
}

add_array() { # SECTION ARRAY
  local -n array=$2
  local key pairs=()
  for key in "${!array[@]}"; do
    pairs+=("$key" "${array[$key]}")
  done
  add_section "$1" "${pairs[@]}"
}

add_section() { # NAME (KEY VALUE)...
  local text='' key value
  JSON+=", \"$1\": {"
  shift
  while (($#)); do
    quote_into key "$1"
    quote_into value "$2"
    text+=", $key: $value"
    shift 2
  done
  JSON+="${text#, }}"
}

# add_backup: when etcd was last saved here, and why the last attempt failed.
add_backup() {
  local kept=("$SNAPSHOTS"/*.db) time=0 failure='' subject result details quotation
  ((!${#kept[@]})) || time=$(stat --format %Y "${kept[-1]}")
  if [[ -f $RENEWALS ]]; then
    while IFS=$'\t' read -r subject _ result details; do
      [[ $subject != snapshot || $result != failed ]] || failure=$details
    done <"$RENEWALS"
  fi
  quote_into quotation "$failure"
  JSON+=", \"backup\": {\"time\": $time, \"failure\": $quotation}"
}

# quote_into VARIABLE TEXT: set VARIABLE to TEXT as a string of JSON.
quote_into() {
  local quote=${2//\\/\\\\}
  quote=${quote//\"/\\\"}
  quote=${quote//[[:cntrl:]]/ }
  printf -v "$1" '"%s"' "$quote"
}

write_cache() {
  local key
  for key in "${!CACHE[@]}"; do
    printf '%s\t%s\n' "$key" "${CACHE[$key]}"
  done >"$DRIFT_CACHE.new"
  mv "$DRIFT_CACHE.new" "$DRIFT_CACHE"
}
