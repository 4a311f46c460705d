#!/usr/bin/env bash
# requires: lib etcd_data files managed timers vip pod-network original_state firewall
# Restore this host to its original state: remove it from the cluster, and remove all our files.
# Loaded kernel modules stay until the next boot. Idempotent.

forget_cluster() {
  local namespace folder
  systemctl disable --quiet --now kubelet containerd 2>/dev/null || true
  end_containers
  forget_mounts
  forget_pod_network
  for namespace in /run/netns/cni-*; do
    # One with processes is not a pod's: those have ended.
    [[ ! -e $namespace || -n $(ip netns pids "${namespace##*/}") ]] ||
      ip netns delete "${namespace##*/}"
  done
  for folder in "${CLUSTER_FOLDERS[@]}"; do
    clear_folder "$folder"
  done
  was_there folder /var/lib/etcd/member || rm -rf /var/lib/etcd/member
  was_there folder /var/lib/cni/flannel || rm -rf /var/lib/cni/flannel
  rm -f /opt/cni/bin/{flannel,calico}
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

# forget_mounts: unmount what containers used. A disk of the host's own in a cluster's folder stays.
forget_mounts() {
  local folder mount
  for folder in /var/lib/kubelet /run/containerd /var/lib/containerd; do
    mounts_in "$folder" | sort --reverse | while read -r mount; do
      [[ $mount == "$folder" ]] || was_there mount "$mount" || umount --lazy "$mount" || exit
    done
  done
}

forget_rules() {
  local kind kept family table
  kept=$(sed -n 's/^chain\t//p' "$ORIGINAL_STATE" 2>/dev/null) || true
  for kind in "${BACK_ENDS[@]}"; do
    command -v "$kind-save" >/dev/null || continue
    "$kind-save" 2>/dev/null | owned_rules "$kind" "$kept" >"$LOGS/rules-$kind.log"
    logged "forget-$kind" "$kind-restore" --noflush "$LOGS/rules-$kind.log"
  done
  forget_sets
  nft_tables | while read -r family table; do
    was_there table "$family $table" && continue
    case $table in
      kube-proxy | flannel-ipv[46]) nft delete table "$family" "$table" ;;
      filter | nat | mangle | raw) forget_empty_table "$family" "$table" ;;
    esac
  done
}

# forget_sets: the sets of addresses that Calico's rules refer to. Without the tool they stay until the
# next boot, and no rule uses them.
forget_sets() {
  local set
  command -v ipset >/dev/null || return 0
  for set in $(ipset list -name | grep -E '^cali[46][0t]'); do
    ipset destroy "$set" || true
  done
}

# forget_empty_table FAMILY TABLE: iptables creates tables on demand; one without rules, user chains
# and policies other than "accept" has no effect.
forget_empty_table() {
  local content
  content=$(nft list table "$1" "$2" | grep -vE '^$|^table |^}$|^\schain |^\s}$|policy accept;') || true
  [[ -n $content ]] || nft delete table "$1" "$2"
}

# forget_settings: restore the kernel settings that still have our values.
forget_settings() {
  local setting before ours
  [[ -f $STATE/settings ]] || return 0
  awk '!seen[$1]++' "$STATE/settings" | while read -r setting before ours; do
    [[ $(<"/proc/sys/$setting") != "$ours" ]] || echo "$before" >"/proc/sys/$setting"
  done
}

forget_files() {
  if [[ -f $STATE/files ]]; then
    cut -f 1 "$STATE/files" | sort -u | xargs --no-run-if-empty rm -f
  fi
  forget_managed_files
  remove_if_empty "${SHARED_FOLDERS[@]}"
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
  kept=$(grep -v '# kubeadm-fleet$' /etc/hosts; echo .) || true
  printf '%s' "${kept%.}" >/etc/hosts
}

# Only packages that we installed and that no other package has come to depend on.
forget_packages() {
  [[ -f $STATE/packages ]] || return 0
  local names
  mapfile -t names < <(sort -u "$STATE/packages")
  say "removing ${names[*]}"
  await 300 "another package manager to end" purge "${names[@]}"
  [[ -z $(kept_packages "${names[@]}") ]] || say "kept: $(kept_packages "${names[@]}")"
}

# purge NAME...: fails as long as another process uses dpkg.
purge() {
  dpkg --purge "$@" >"$LOGS/purge.log" 2>&1 && return
  LAST_ANSWER=$(grep --max-count 1 'locked by another process' "$LOGS/purge.log") || return 0
  return 1
}

kept_packages() {
  dpkg-query --show "$@" 2>/dev/null | cut -f 1 | tr '\n' ' '
}

step_reset() {
  lib_begin
  stop_timers
  stop_load_balancer
  say "leaving the cluster"
  forget_cluster
  forget_rules
  forget_settings
  forget_files
  forget_etcd_data
  forget_packages
  say "host restored to its original state"
  rm -rf "$STATE" "$LOGS"
}
