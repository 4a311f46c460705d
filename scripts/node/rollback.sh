#!/usr/bin/env bash
# requires: lib checkpoints component_files staging start static-pods runtime
# The previous state of a machine whose change failed, or was interrupted and is no longer wanted.
# Only functions.

# rollback NAME...: restore the previous state after a failure, and fail.
rollback() {
  say "change failed; rolling back"
  restore_former "$@"
  if (start_all "${RESTORED[@]}" && persist_changed); then
    rm -rf "$PENDING_CHANGE"
    die "the change failed and was rolled back (details above)" \
      "fix the cause and run 'fleet up' again"
  fi
  die "the change failed, and so did the rollback (details above)" \
    "fix the cause and run 'fleet up' again; if etcd was to change, its previous data is in ${PENDING_CHANGE}/etcd"
}

# undo_interrupted: restore the state before an interrupted change.
undo_interrupted() {
  local name names=() STAGED
  # The new programs are staged again as those of the version that was to be installed.
  STAGED=$STATE/staged/$(<"$PENDING_CHANGE/version")
  say "rolling back an interrupted change, since the desired state has changed"
  for name in "${COMPONENTS[@]}"; do
    [[ ! -f $PENDING_CHANGE/new/$name.yaml ]] || names+=("$name")
  done
  restore_former "${names[@]}"
  (start_all "${RESTORED[@]}" && persist_changed) || die "an interrupted change could not be rolled back (details above)" \
    "fix the cause and run 'fleet up' again; if etcd was to change, its previous data is in ${PENDING_CHANGE}/etcd"
  rm -rf "$PENDING_CHANGE"
}

# restore_former NAME...: restore files and programs with the kubelet and these components stopped.
# RESTORED are the components to start. A healthy etcd is kept: its writes since then must not be lost.
restore_former() {
  local name
  RESTORED=()
  rm -rf "$PENDING_CHANGE/etcd.part"
  for name in "$@"; do
    if [[ $name == etcd ]] && is_healthy etcd; then continue; fi
    RESTORED+=("$name")
  done
  systemctl stop kubelet
  for name in "${RESTORED[@]}"; do
    rm -f "$MANIFESTS/$name.yaml"
  done
  end_components "${RESTORED[@]}"
  if [[ " ${RESTORED[*]} " == *" kube-apiserver "* ]]; then
    put_former_files "${RESTORED[@]}"
    rm -rf "$FORMER_FILES"
  fi
  rollback_programs
  restore_checkpoints
  for name in config flags; do
    restore_plan "$name"
  done
  put_files
  for name in "${RESTORED[@]}"; do
    restore_plan "$name.yaml"
  done
}

# restore_plan NAME: plan the previous file; renamed, since the disk may be full.
restore_plan() {
  [[ ! -f $PENDING_CHANGE/old/$1 ]] || mv "$PENDING_CHANGE/old/$1" "$PENDING_CHANGE/new/$1"
}

# rollback_programs: restore the previous programs; the new ones are staged again.
rollback_programs() {
  local path pid
  [[ -f $PENDING_CHANGE/programs ]] || return 0
  while read -r path; do
    mkdir -p "$STAGED${path%/*}"
    if [[ -e $path && ! -e $STAGED$path ]]; then
      move_note "$path" "$STAGED$path"
      mv "$path" "$STAGED$path"
    fi
    mv "$PENDING_CHANGE/former$path" "$path"
  done < <(cd "$PENDING_CHANGE/former" && find . -type f -printf '/%P\n')
  pid=$(systemctl show --property MainPID --value containerd)
  if [[ $pid == 0 || ! /proc/$pid/exe -ef /usr/local/bin/containerd ]]; then
    systemctl restart containerd
    start_runtime
  fi
}
