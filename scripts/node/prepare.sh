#!/usr/bin/env bash
# Get this machine ready for kubeadm: what the role needs is installed, the container runtime runs.
# A machine image holds everything already (STATE/installed says so); a host that was taken over gets
# it now. Only what differs is written, and only what changed is started again. Safe to run again.
PACKAGES=(runc conntrack iptables nftables socat ethtool ipset curl)
SETTINGS=(net/ipv4/ip_forward net/bridge/bridge-nf-call-iptables net/bridge/bridge-nf-call-ip6tables)
MIRRORED='# Written by kubeadm-fleet from artifacts.mirror.'

# start_runtime: have a container runtime that can do what the kubelet asks of it. containerd runs on
# without its CRI plugin when that could not be loaded.
start_runtime() {
  systemctl is-active --quiet containerd || systemctl start containerd
  if [[ $(cri_status) == error ]]; then
    systemctl restart containerd
  fi
  await 60 "containerd to answer" runtime_answers
}

runtime_answers() {
  local status
  LAST_ANSWER="'journalctl -u containerd' on the machine"
  status=$(cri_status)
  [[ $status != error ]] || die "containerd could not load its CRI plugin: $(cri_error)" \
    "mend what is named and run 'pulumi up' again: containerd is started again"
  [[ $status == ok ]]
}

cri_status() {
  ctr --connect-timeout 1s plugins list 2>/dev/null | awk '$2 == "cri" {print $NF}'
}

cri_error() {
  ctr plugins list --detailed id==cri 2>/dev/null | awk '/Message:/ {sub(/.*Message: */, ""); print}'
}

ensure_host_entry() {
  local line="$NODE_ADDRESS $NODE_NAME" mark='# kubeadm-fleet' others
  grep -qE "^${line//./\\.}( $mark)?\$" /etc/hosts && return
  # In place: in a container /etc/hosts may be a mount, which cannot be replaced.
  others=$(grep -v "$mark\$" /etc/hosts) || true
  printf '%s\n%s %s\n' "$others" "$line" "$mark" >/etc/hosts
}

# The sandbox image that this very kubeadm expects.
pause_image() {
  kubeadm config images list --kubernetes-version "$KUBERNETES_VERSION" | grep /pause:
}

prepare_host() {
  install_packages "${PACKAGES[@]}"
  if has_endpoint; then
    install_endpoint
  fi
  install_supplies
  configure_kernel
  load_kernel
  configure_containerd "$(pause_image)" "$(systemd_cgroups)" "$(must_restrict_oom)"
  configure_mirrors
  configure_kubelet
  start_changed
}

# load_kernel: have the settings now that a boot would bring, and note what was there before.
load_kernel() {
  local name setting
  grep -qw overlay /proc/filesystems || logged modprobe modprobe overlay
  [[ -d /proc/sys/net/bridge ]] || logged modprobe modprobe br_netfilter
  for setting in "${SETTINGS[@]}"; do
    local file=/proc/sys/$setting
    [[ $(<"$file") == 1 ]] && continue
    echo "$setting" >>"$STATE/settings"
    echo 1 >"$file" || die "$file is $(<"$file") and cannot be set to 1" \
      "find what forbids it (a container's own settings?)"
  done
}

# configure_mirrors: ask a mirror for the images of a registry. containerd reads this on every pull.
# https://github.com/containerd/containerd/blob/main/docs/hosts.md
configure_mirrors() {
  local folder=/etc/containerd/certs.d registry base file
  local -A mirrored=()
  if [[ -f $ARTIFACTS/mirrors ]]; then
    while IFS=$'\t' read -r registry base; do
      mirrored[$folder/$registry/hosts.toml]=${base%/}
    done <"$ARTIFACTS/mirrors"
  fi
  for file in "${!mirrored[@]}"; do
    managed "$file" <<TOML
$MIRRORED
server = "${mirrored[$file]}/v2"
capabilities = ["pull", "resolve"]
override_path = true
TOML
  done
  for file in "$folder"/*/hosts.toml; do
    if [[ -f $file && ! -v mirrored[$file] && $(head -n 1 "$file") == "$MIRRORED" ]]; then
      rm -f "$file"
    fi
  done
}

# start_changed: have systemd and the services use what was written and installed just now.
start_changed() {
  local touched=" ${CHANGED[*]} ${INSTALLED[*]} "
  [[ -n ${touched// /} ]] || return 0
  say "changed: ${CHANGED[*]} ${INSTALLED[*]}"
  if [[ $touched == */etc/systemd/system/* ]]; then
    systemctl daemon-reload
    systemctl enable --quiet containerd kubelet
  fi
  if [[ $touched == *containerd.service* || $touched == */containerd/config.toml* ||
    $touched == */bin/containerd* ]]; then
    systemctl restart containerd
  fi
  if [[ $touched == */system/kubelet.service* || $touched == */bin/kubelet* ]]; then
    systemctl try-restart kubelet
  fi
}

step_prepare() {
  ensure_host_entry
  [[ -f $STATE/installed ]] || prepare_host
  configure_endpoint
  start_runtime
  [[ -f $STATE/installed ]] || import_images
  say "ready for kubeadm"
}
