#!/usr/bin/env bash
# requires: lib changed crashes kms_plugin static-pods
# settings: KUBERNETES_VERSION
# Files of the control plane's components that these read only when they start. Each component has a
# folder, which its pod mounts. Only functions.
# In stop order.
WITH_FILES=(kube-scheduler kube-controller-manager kube-apiserver)
# The files as they were before a change that is not in use yet.
FORMER_FILES=$STATE/former-files

component_folder() { # NAME
  case $1 in
    kube-apiserver) echo "$STATE/api-server" ;;
    *) echo "$STATE/${1#kube-}" ;;
  esac
}

# make_audit_folder: make the folder of the audit log for root alone.
make_audit_folder() {
  mkdir -p "$AUDIT_FOLDER"
  chmod 0700 "$AUDIT_FOLDER"
}

# keep_component_files: keep the files for a component that does not start with changed ones. Those that a
# killed run has kept are the ones that were in use.
keep_component_files() {
  local name folder
  [[ ! -d $FORMER_FILES ]] || return 0
  rm -rf "$FORMER_FILES.part"
  mkdir -m 0700 "$FORMER_FILES.part"
  for name in "${WITH_FILES[@]}"; do
    folder=$(component_folder "$name")
    [[ ! -d $folder ]] || cp --archive "$folder" "$FORMER_FILES.part/"
  done
  mv "$FORMER_FILES.part" "$FORMER_FILES"
}

# use_component_files: restart the components that run with files that have changed. An upgrade, which
# comes next, restarts them anyway; so does a change of the manifests, which puts the former files back if
# it fails (rollback.sh).
use_component_files() {
  local names
  mapfile -t names < <(components_to_restart)
  if ((${#names[@]})) && ! is_to_be_upgraded; then
    say "restarting ${names[*]}: changed files are read only at the start"
    # In the background, since bash ignores errexit wherever a status is tested.
    restart_components "${names[@]}" &
    wait $! || restore_component_files "${names[@]}"
  fi
  lacks_plugin_folder || rm -rf "$FORMER_FILES"
}

# check_plugin FILE: before an API server that runs is stopped, fail unless it will have the plugin that an
# encryption config names.
check_plugin() {
  ! is_healthy kube-apiserver || require_plugin "$1"
}

# lacks_plugin_folder: is the folder of the plugin not in the API server's pod yet?
lacks_plugin_folder() {
  local socket
  socket=$(plugin_socket "$ENCRYPTION_CONFIG")
  [[ -n $socket && -f $MANIFESTS/kube-apiserver.yaml ]] &&
    ! grep --quiet --line-regexp "[ -]*mountPath: ${socket%/*}" "$MANIFESTS/kube-apiserver.yaml"
}

# components_to_restart: print the components whose manifests name a changed file, or the folder of the
# config's own files if it is one of those. A removed file is still named until the manifest is replaced.
components_to_restart() {
  local name folder path named
  for name in "${WITH_FILES[@]}"; do
    folder=$(component_folder "$name")
    [[ -f $MANIFESTS/$name.yaml ]] || continue
    [[ $name != kube-apiserver ]] || ! lacks_plugin_folder || continue
    for path in "${CHANGED[@]}"; do
      [[ $path == "$folder"/* && $path != "$AUTHENTICATION_FILE" && -f $path ]] || continue
      named=$path
      [[ $path != "$folder"/files/* ]] || named=$folder/files/
      if grep --quiet --fixed-strings -e "$named" "$MANIFESTS/$name.yaml"; then
        echo "$name"
        break
      fi
    done
  done
}

is_to_be_upgraded() {
  [[ $(version_of kubelet) != "$KUBERNETES_VERSION" ]]
}

# restart_components NAME...: end these components, and wait until the kubelet has started them again. It
# is restarted as well: otherwise it would wait longer with each restart of a component.
restart_components() {
  local name
  systemctl stop kubelet
  end_components "$@"
  systemctl reset-failed kubelet 2>/dev/null || true
  systemctl start kubelet
  for name in "$@"; do
    await "$HEALTHY_SECONDS" "$name to answer" unless_crashing pod "$name" is_healthy "$name"
  done
  await "$HEALTHY_SECONDS" "this machine's API server to be ready" unless_crashing pod kube-apiserver api_is_ready
}

# restore_component_files NAME...: put the former files back, start these components with them, and fail.
restore_component_files() {
  say "$* did not start with the changed files: putting the previous ones back"
  put_former_files "$@"
  restart_components "$@" &
  wait $! || die "$* started neither with the changed files nor with the previous ones (details above)" \
    "correct what is named above and run 'fleet up' again"
  rm -rf "$FORMER_FILES"
  die "$* did not start with the changed files (details above); the previous ones are in use again" \
    "correct the files in the config and run 'fleet up' again"
}

# put_former_files NAME...: put back the files of these components that a change which failed has replaced.
put_former_files() {
  local name folder
  for name in "$@"; do
    folder=$(component_folder "$name")
    [[ ! -d $FORMER_FILES/${folder##*/} ]] || cp --archive --remove-destination "$FORMER_FILES/${folder##*/}" "${folder%/*}/"
  done
}
