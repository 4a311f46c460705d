#!/usr/bin/env bash
# requires: lib apply checkpoints component_files install staging documents static-pods space start rollback
# settings: KUBERNETES_VERSION
# A change of a member's programs, kubelet configuration and static pods, in one go and with the
# kubelet stopped, so that the machine's control plane is unavailable only once and briefly.
# Only functions.
#
# kubeadm itself replaces the manifests serially under a running kubelet, which waits 10 to 15 s
# before it starts a static pod whose predecessor has just ended (backOffPeriod in its pod workers),
# and a kubelet of another minor version restarts them all once more (it computes other ids).
#
# PENDING_CHANGE records the new and the previous files, and what is wanted with them, before anything
# is changed: the next run resumes a killed one, or rolls it back if something else is wanted by then.
# Whatever fails after the kubelet was stopped, the change is rolled back; space on every disk that it
# writes to is checked before.
# From this machine's join; no document has them.
SAVED_FLAGS=$STATE/kubelet-flags.env
# What a started container, a file, and etcd's first writes as another version need on their disks.
CONTAINER_BYTES=$((16 << 20))
FILE_BYTES=$((1 << 20))
ETCD_BYTES=$((128 << 20))

begin_change() {
  rm -rf "$PENDING_CHANGE.part"
  mkdir -p "$PENDING_CHANGE.part"/{new,old,former}
  wanted_state >"$PENDING_CHANGE.part/wanted"
  echo "$KUBERNETES_VERSION" >"$PENDING_CHANGE.part/version"
}

# wanted_state: print a checksum of what this operation is to bring about.
wanted_state() {
  printf '%s\n' "$KUBERNETES_VERSION" "$CLUSTER_CONFIGURATION" "$KUBELET_CONFIGURATION" | sha256sum
}

# plan_manifests: plan the static pods of the control plane's documents.
plan_manifests() {
  local file
  render "$PENDING_CHANGE.part/new"
  for file in "$PENDING_CHANGE.part"/new/*.yaml; do
    if cmp --silent "$file" "$MANIFESTS/${file##*/}"; then
      rm "$file"
    elif [[ -f $MANIFESTS/${file##*/} ]]; then
      cp --preserve "$MANIFESTS/${file##*/}" "$PENDING_CHANGE.part/old/"
    fi
  done
}

# plan_kubelet: plan the kubelet's configuration, and the flags from this machine's join.
plan_kubelet() {
  local folder=$RUN/kubelet
  mkdir -p "$folder"
  kubelet_documents "$folder/pki" >"$RUN/kubelet.yaml"
  KUBEADM_INIT_DRYRUN_DIR=$folder logged render-kubelet \
    "$(wanted_program kubeadm)" init phase kubelet-start --dry-run --config "$RUN/kubelet.yaml"
  sed -i "s|$folder/pki/|/etc/kubernetes/pki/|" "$folder/config.yaml"
  plan_file "$folder/config.yaml" config "$KUBELET_CONFIG"
  outdated_checkpoints "$KUBELET_CONFIG" "$folder/config.yaml" >"$PENDING_CHANGE.part/checkpoints"
  if [[ -s $SAVED_FLAGS ]]; then
    plan_file "$SAVED_FLAGS" flags "$KUBELET_FLAGS"
  fi
}

# plan_file NEW NAME PATH: plan NEW at PATH, if it differs.
plan_file() {
  cmp --silent "$1" "$3" && return
  cp "$1" "$PENDING_CHANGE.part/new/$2"
  [[ ! -f $3 ]] || cp --preserve "$3" "$PENDING_CHANGE.part/old/$2"
}

# plan_programs: plan the staged programs. The previous ones are kept until the new ones work, and are
# linked now: where / is an overlay, a link to a file of its lower layer is a copy, which takes time.
plan_programs() {
  local path
  [[ -n $(staged_programs) ]] || return 0
  staged_programs >"$PENDING_CHANGE.part/programs"
  while read -r path; do
    [[ -e $path ]] || continue
    mkdir -p "$PENDING_CHANGE.part/former${path%/*}"
    ln "$path" "$PENDING_CHANGE.part/former$path" 2>/dev/null || cp --archive "$path" "$PENDING_CHANGE.part/former$path"
  done <"$PENDING_CHANGE.part/programs"
}

# finish_change: apply the planned change, or roll it back and report why.
finish_change() {
  if [[ -n $(ls "$PENDING_CHANGE.part/new") || -e $PENDING_CHANGE.part/programs ]]; then
    (check_change_space && check_change_plugin) || {
      rm -rf "$PENDING_CHANGE.part"
      exit 1
    }
  fi
  persist "$PENDING_CHANGE.part"
  [[ ! -e $PENDING_CHANGE.part/programs ]] || persist "$STAGED"
  mv "$PENDING_CHANGE.part" "$PENDING_CHANGE"
  sync "$STATE"
  do_change
}

# check_change_space: fail unless there is space for all that is written once the kubelet has stopped.
check_change_space() {
  local plan=$PENDING_CHANGE.part name path bytes=0
  for name in "${COMPONENTS[@]}"; do
    [[ ! -f $plan/new/$name.yaml ]] || bytes=$((bytes + CONTAINER_BYTES))
  done
  need_space /var/lib/containerd "$bytes" "containers"
  need_space /var/log/pods "$((bytes / 4))" "logs"
  need_space "$MANIFESTS" "$FILE_BYTES" "manifests"
  need_space /var/lib/kubelet "$FILE_BYTES" "the kubelet's configuration"
  need_space "$STATE" "$FILE_BYTES" "records"
  if is_another_image etcd "$plan"; then
    bytes=$(size_of /var/lib/etcd)
    need_space "$PENDING_CHANGE" "$bytes" "a copy of etcd's data"
    need_space /var/lib/etcd "$ETCD_BYTES" "etcd's migration"
  fi
  [[ ! -f $plan/programs ]] || while read -r path; do
    # Within a file system they are renamed.
    if [[ $(stat --format %d "$STAGED$path") != $(stat --format %d "${path%/*}") ]]; then
      need_space "${path%/*}" "$(size_of "$STAGED$path")" "${path##*/}"
    fi
  done <"$plan/programs"
  check_space "nothing was stopped or changed"
}

# check_change_plugin: fail if the API server would wait for its plugin afterwards.
check_change_plugin() {
  ! compgen -G "$PENDING_CHANGE.part/new/*.yaml" >/dev/null || check_plugin "$ENCRYPTION_CONFIG"
}

# resume_change: resume the change of a killed run, or undo it if something else is wanted now: it may be
# the change that stopped the machine, and have been reverted for that.
resume_change() {
  rm -rf "$PENDING_CHANGE.part"
  [[ -d $PENDING_CHANGE ]] || return 0
  if cmp --silent "$PENDING_CHANGE/wanted" <(wanted_state); then
    say "resuming an interrupted change"
    do_change
  else
    undo_interrupted
  fi
}

do_change() {
  local names=() name
  for name in "${COMPONENTS[@]}"; do
    if [[ -f $PENDING_CHANGE/new/$name.yaml ]] && ! cmp --silent "$PENDING_CHANGE/new/$name.yaml" "$MANIFESTS/$name.yaml"; then
      names+=("$name")
    fi
  done
  if [[ -z ${names[*]} && ! -e $PENDING_CHANGE/programs && ! -e $PENDING_CHANGE/new/config && ! -e $PENDING_CHANGE/new/flags ]] &&
    [[ -z $(ls "$PENDING_CHANGE/new") ]] && kubelet_answers; then
    rm -rf "$PENDING_CHANGE"
    say "already up to date"
    return
  fi
  say "changing: $(describe_change "${names[@]}")"
  # In the background, since bash ignores errexit wherever a status is tested: any failed command ends
  # the attempt.
  make_change "${names[@]}" &
  wait $! || rollback "${names[@]}"
  [[ " ${names[*]} " != *" kube-apiserver "* ]] || rm -rf "$FORMER_FILES"
  rm -rf "$PENDING_CHANGE"
}

# make_change NAME...: replace what is planned, and wait until all of it is healthy. The plan remains until
# all of that is on the disk.
make_change() {
  stop_components "$@"
  put_files
  put_programs
  start_all "$@"
  persist_changed
}

describe_change() {
  local parts=("$@")
  [[ ! -e $PENDING_CHANGE/programs ]] || parts+=("programs of $KUBERNETES_VERSION")
  [[ ! -e $PENDING_CHANGE/new/config ]] || parts+=("the kubelet's configuration")
  [[ ! -e $PENDING_CHANGE/new/flags ]] || parts+=("the kubelet's flags")
  printf '%s' "${parts[0]:-the kubelet}"
  ((${#parts[@]} < 2)) || printf ', %s' "${parts[@]:1}"
}

# stop_components NAME...: stop the kubelet and these components.
stop_components() {
  local name
  systemctl stop kubelet
  remove_checkpoints
  for name in "$@"; do
    rm -f "$MANIFESTS/$name.yaml"
  done
  end_components "$@"
  (($# == 0)) || say "stopped: $*"
  if [[ " $* " == *" etcd "* ]] && is_another_image etcd "$PENDING_CHANGE"; then
    keep_etcd_data
  fi
}

is_another_image() { # COMPONENT PLAN
  local old new
  old=$(grep -m 1 'image:' "$2/old/$1.yaml" 2>/dev/null) || true
  new=$(grep -m 1 'image:' "$2/new/$1.yaml" 2>/dev/null) || true
  [[ -n $old && -n $new && $old != "$new" ]]
}

# keep_etcd_data: copy etcd's data before another version of etcd touches it.
keep_etcd_data() {
  [[ -d $PENDING_CHANGE/etcd || ! -d /var/lib/etcd/member ]] && return
  rm -rf "$PENDING_CHANGE/etcd.part"
  cp --archive --reflink=auto /var/lib/etcd "$PENDING_CHANGE/etcd.part"
  mv "$PENDING_CHANGE/etcd.part" "$PENDING_CHANGE/etcd"
}

# put_programs: install the staged programs.
put_programs() {
  [[ -f $PENDING_CHANGE/programs ]] || return 0
  read_notes
  use_staged
  restore_parts "containerd proxy mirrors kubelet"
}
