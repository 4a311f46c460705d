#!/usr/bin/env bash
# requires: lib drift permissions
# What is wrong with this member besides what was declared for it: swap, the clock, full disks, static pods
# of somebody else, files that others may read, and alarms of etcd. Reads only; no settings.
CLOCK_SECONDS=300
FULL_PERCENT=90
# Changes of the use of a disk by less than this are not worth a line in a log.
DISK_STEP=2
MANIFESTS_FOLDER=/etc/kubernetes/manifests
# Where etcd tells whether it works, to this machine only; kubeadm's --listen-metrics-urls.
ETCD_HEALTH='http://127.0.0.1:2381/health?serializable=true'

judge_swap() {
  local lines
  mapfile -t lines </proc/swaps
  SWAP=off
  ((${#lines[@]} > 1)) || return 0
  SWAP=on
  grep --quiet '^failSwapOn: false' /var/lib/kubelet/config.yaml 2>/dev/null || finding swap swap "is on"
}

# judge_clock: a machine whose clock was never synchronized has no service for it.
judge_clock() {
  if ! cached clock $((EPOCHSECONDS / CLOCK_SECONDS)); then
    case $(timeout 5 timedatectl show --property=NTPSynchronized --value 2>/dev/null) in
      yes) VALUE=synchronized ;;
      no) VALUE=unsynchronized ;;
      *) VALUE=unknown ;;
    esac
    keep clock $((EPOCHSECONDS / CLOCK_SECONDS)) "$VALUE"
  fi
  CLOCK=$VALUE
  if [[ $CLOCK == synchronized ]]; then
    cached clock-was yes || keep clock-was yes yes
  elif [[ $CLOCK == unsynchronized ]] && cached clock-was yes; then
    finding clock clock "is no longer synchronized"
  fi
}

judge_disks() {
  local path paths=() used index=0
  declare -gA DISKS=()
  for path in / /var/lib/containerd /var/lib/etcd /var/lib/kubelet; do
    [[ ! -d $path ]] || paths+=("$path")
  done
  while read -r used; do
    [[ $used == [0-9]*% ]] || continue
    path=${paths[index++]}
    used=${used%%%}
    if cached "disk:$path" used && ((used - VALUE < DISK_STEP && VALUE - used < DISK_STEP)); then
      used=$VALUE
    else
      keep "disk:$path" used "$used"
    fi
    # shellcheck disable=SC2034
    DISKS[$path]=$used
    ((used < FULL_PERCENT)) || finding disk "$path" "is $used % full"
  done < <(df --output=pcent -- "${paths[@]}" 2>/dev/null)
}

# judge_manifests: the kubelet runs every file of this folder, a copy of a manifest as well. What was there
# when the machine was changed last is somebody's decision; a copy may be older than that, its inode is not.
judge_manifests() {
  local path since applied
  [[ -v SIGNATURES[$APPLIED_STATE] ]] || return 0
  read -r _ applied _ <<<"${SIGNATURES[$APPLIED_STATE]}"
  for path in "$MANIFESTS_FOLDER"/*; do
    [[ -f $path && ! -v DECLARED[$path] ]] || continue
    read_signatures "$path"
    read -r _ _ since _ <<<"${SIGNATURES[$path]:-}"
    ((${since%.*} <= ${applied%.*})) || finding manifest "$path" "was not declared, and the kubelet runs it"
  done
}

judge_permissions() {
  local path what
  read_limits
  while IFS=$'\t' read -r path what; do
    finding mode "$path" "has $what"
  done < <(exposed_files)
}

# judge_etcd: an alarm that holds, of any member. What does not answer has no alarm that is known.
# https://etcd.io/docs/v3.6/op-guide/monitoring/#health-check
judge_etcd() {
  local said alarm
  [[ -f $MANIFESTS_FOLDER/etcd.yaml ]] || return 0
  said=$(curl --disable --silent --noproxy '*' --max-time 2 "$ETCD_HEALTH") || return 0
  for alarm in NOSPACE CORRUPT; do
    [[ $said != *"ALARM $alarm"* ]] || finding etcd etcd "has the alarm $alarm"
  done
}
