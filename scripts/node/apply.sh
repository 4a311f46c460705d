#!/usr/bin/env bash
# requires: lib authentication changed component_files credentials files kernel managed timers runtime vip
# settings: NODE_ADDRESS KUBERNETES_VERSION FILES PARTS MIRROR_CREDENTIALS
# Applying files to a machine: each part that changed is put to use, and nothing else is restarted.
# In the order of model/render/machine_files.py.
# shellcheck disable=SC2034
ALL_PARTS="kernel containerd proxy mirrors kubelet kubelet-patch kubeadm authentication components load-balancer renewal drift update-policy"

# apply_files: bring the files of PARTS (separated by blanks) to the table FILES. For members, one part
# after another as the rollout decides.
apply_files() {
  lib_begin
  recall_changed
  ! has_part mirrors "$PARTS" || store_credentials "$MIRROR_CREDENTIALS"
  # shellcheck disable=SC2153
  apply_parts "$FILES" "$PARTS"
  say "applied: $PARTS"
}

# apply_parts TABLE PARTS: write the files of these parts, put them to use, and record them.
apply_parts() {
  ! has_part load-balancer "$2" || check_load_balancer "$1"
  if has_part components "$2" && [[ -n $(lines_of components <<<"$1") ]]; then
    make_audit_folder
    keep_component_files
  fi
  write_files "$1" "$2"
  ! has_part kernel "$2" || load_kernel
  use_authentication
  ! has_part components "$2" || use_component_files
  use_changed
  ! has_part load-balancer "$2" || start_load_balancer
  if has_part renewal "$2" || has_part drift "$2"; then start_timers; fi
  record_files "$1" "$2"
}

# restore_parts PARTS: the same from the record.
restore_parts() {
  [[ ! -f $MANAGED ]] || apply_parts "$(<"$MANAGED")" "$1"
}

has_part() { # PART PARTS
  [[ " $2 " == *" $1 "* ]]
}

# use_changed: put changed files to use. containerd's containers continue during its restart, and it
# reads the mirrors on every pull; kubeadm's files are for its next call.
use_changed() {
  ((${#CHANGED[@]})) || return 0
  say "changed: ${CHANGED[*]}"
  if is_changed /etc/systemd/system/; then
    systemctl enable --quiet --no-reload containerd kubelet
    systemctl daemon-reload
  fi
  if is_runtime_changed; then
    systemctl restart containerd
    start_runtime
  fi
  if is_changed /etc/systemd/system/kubelet.service || is_changed /usr/local/bin/kubelet; then
    systemctl try-restart kubelet
  fi
  use_load_balancer
  use_timers
  forget_changed
}
