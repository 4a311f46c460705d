#!/usr/bin/env bash
# requires: lib cgroups configure kernel install staging proxy runtime vip
# settings: NODE_ADDRESS KUBERNETES_VERSION
# Prepare this machine for kubeadm: install the role's artifacts, start the container runtime.
# A machine image has everything already (STATE/installed names the version); an enrolled host gets it
# now; a member gets another version staged and keeps running its current one. Only differences are
# written, and only changed services are restarted. Idempotent.
HOST_PACKAGES=(runc conntrack iptables nftables socat ethtool ipset curl openssl)

ensure_host_entry() {
  local line="$NODE_ADDRESS $NODE_NAME" mark='# kubeadm-fleet' others
  grep -qE "^${line//./\\.}( $mark)?\$" /etc/hosts && return
  # In place: in a container /etc/hosts may be a mount, which cannot be replaced.
  others=$(grep -v "$mark\$" /etc/hosts) || true
  printf '%s\n%s %s\n' "$others" "$line" "$mark" >/etc/hosts
}

prepare_host() {
  install_packages "${HOST_PACKAGES[@]}"
  if has_endpoint; then
    install_endpoint
  fi
  install_supplies
  configure_kernel
  load_kernel
  configure_containerd "$(pause_image)" "$(systemd_cgroups)" "$(must_restrict_oom)"
  configure_egress
  configure_kubelet
  configure_patches
  start_changed
}

# start_changed: reload systemd and restart services whose files have changed.
start_changed() {
  ((${#CHANGED[@]})) || return 0
  say "changed: ${CHANGED[*]}"
  if is_changed /etc/systemd/system/; then
    systemctl daemon-reload
    systemctl enable --quiet containerd kubelet
  fi
  if is_runtime_changed; then
    systemctl restart containerd
  fi
  if is_changed /etc/systemd/system/kubelet.service || is_changed /usr/local/bin/kubelet; then
    systemctl try-restart kubelet
  fi
}

# stage: stage another version on a member without touching its running one; a node operation installs
# it later.
stage() {
  install_packages "${HOST_PACKAGES[@]}"
  INSTALL_ROOT=$STAGED install_supplies
  configure_kernel
  configure_patches
  load_kernel
  configure_egress
  start_runtime
  import_images
  pull_images
}

step_prepare() {
  lib_begin
  recall_changed
  ensure_host_entry
  note_egress
  if [[ -f $STATE/installed && $(<"$STATE/installed") == "$KUBERNETES_VERSION" ]]; then
    configure_egress
    start_runtime
  elif is_member; then
    stage
  else
    prepare_host
    start_runtime
    import_images
  fi
  configure_endpoint
  forget_changed
  say "ready for kubeadm"
}
