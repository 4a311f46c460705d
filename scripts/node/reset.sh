#!/usr/bin/env bash
# requires: lib files managed vip pod-network
# Restore this host to its original state: remove it from the cluster, and remove all our files.
# Loaded kernel modules stay until the next boot. Idempotent.
# Directories that belong exclusively to a cluster.
CLUSTER_FILES=(/etc/kubernetes /var/lib/etcd /var/lib/kubelet /var/lib/cni /var/lib/containerd
  /run/containerd /run/flannel /var/log/pods /var/log/containers /usr/libexec/kubernetes
  /opt/cni/bin/flannel)

forget_cluster() {
  if [[ -d /etc/kubernetes ]] && command -v kubeadm >/dev/null; then
    say "leaving the cluster"
    systemctl start containerd 2>/dev/null || true
    logged reset kubeadm reset --force --cleanup-tmp-dir
  fi
  systemctl disable --quiet --now kubelet containerd 2>/dev/null || true
  end_containers
  forget_mounts
  forget_pod_network
  local namespace path
  for namespace in /run/netns/cni-*; do
    [[ -e $namespace ]] && ip netns delete "${namespace##*/}"
  done
  for path in "${CLUSTER_FILES[@]}"; do
    # The directory may be a mount point of a separate disk, which is not ours to remove.
    if mountpoint --quiet "$path"; then
      find "$path" -mindepth 1 -delete
    else
      rm -rf "$path"
    fi
  done
  rmdir --ignore-fail-on-non-empty /etc/cni/net.d /etc/cni /usr/libexec 2>/dev/null || true
}

# end_containers: kill leftover containers. Containers and their shims have their own cgroups at the
# top of this host's tree: deeper ones belong to a machine inside this host.
end_containers() {
  await 30 "containers to end" no_containers
}

no_containers() {
  local left
  # 0 stands for a process outside of this machine's PID namespace.
  mapfile -t left < <(
    find /sys/fs/cgroup{,/*}/{kubepods,kubepods.slice,system.slice/containerd.service} \
      -name cgroup.procs -exec cat {} + 2>/dev/null | grep -vx 0 | sort -u
  )
  ((${#left[@]})) || return 0
  LAST_ANSWER="processes ${left[*]}"
  kill -KILL "${left[@]}" 2>/dev/null || true
  return 1
}

forget_mounts() {
  local mount
  awk '$5 ~ "^(/var/lib/kubelet|/run/containerd|/var/lib/containerd)/" {print $5}' \
    /proc/self/mountinfo | sort --reverse | while read -r mount; do
    umount --lazy "$mount"
  done
}

# Names of the chains and rules of kube-proxy, kubelet and the pod network.
OWNED_RULES='KUBE-|FLANNEL|CNI-'
forget_rules() {
  local kind rules family table
  for kind in iptables ip6tables; do
    command -v $kind-save >/dev/null || continue
    rules=$($kind-save 2>/dev/null)
    if [[ $rules =~ $OWNED_RULES ]]; then
      grep -vE "$OWNED_RULES" <<<"$rules" | $kind-restore
    fi
  done
  command -v nft >/dev/null || return 0
  nft list tables | while read -r _ family table; do
    case $table in
      kube-proxy | flannel-ipv[46]) nft delete table "$family" "$table" ;;
      filter | nat | mangle | raw) forget_empty_table "$family" "$table" ;;
    esac
  done
}

# forget_empty_table FAMILY TABLE: iptables creates tables on demand; one without rules, user chains
# and policies other than "accept" has no effect.
forget_empty_table() {
  local content
  content=$(nft list table "$1" "$2" | grep -vE '^$|^table |^}$|^\schain |^\s}$|policy accept;') || true
  [[ -n $content ]] || nft delete table "$1" "$2"
}

forget_settings() {
  local setting
  [[ -f $STATE/settings ]] || return 0
  while read -r setting; do
    echo 0 >"/proc/sys/$setting"
  done <"$STATE/settings"
}

forget_files() {
  if [[ -f $STATE/files ]]; then
    cut -f 1 "$STATE/files" | sort -u | xargs --no-run-if-empty rm -f
  fi
  forget_managed_files
  rmdir --ignore-fail-on-non-empty /opt/cni/bin /opt/cni /opt/containerd/{bin,lib} /opt/containerd \
    2>/dev/null || true
  forget_host_entry
  systemctl daemon-reload
}

forget_managed_files() {
  local path
  while read -r path; do
    rm -f "$path" "$path.new"
  done < <(managed_paths)
  remove_folders
}

forget_host_entry() {
  local kept
  kept=$(grep -v '# kubeadm-fleet$' /etc/hosts) || true
  printf '%s\n' "$kept" >/etc/hosts
}

# Only packages that we installed and that no other package has come to depend on.
forget_packages() {
  [[ -f $STATE/packages ]] || return 0
  local names
  mapfile -t names < <(sort -u "$STATE/packages")
  say "removing ${names[*]}"
  dpkg --purge "${names[@]}" >"$LOGS/purge.log" 2>&1 || say "kept: $(kept_packages "${names[@]}")"
}

kept_packages() {
  dpkg-query --show "$@" 2>/dev/null | cut -f 1 | tr '\n' ' '
}

step_reset() {
  lib_begin
  stop_load_balancer
  forget_cluster
  forget_rules
  forget_settings
  forget_files
  forget_packages
  say "host restored to its original state"
  rm -rf "$STATE" "$LOGS"
}
