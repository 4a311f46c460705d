#!/usr/bin/env bash
# requires: lib firewall
# What was on this host before it was enrolled: the enrollment records it, and a reset leaves it alone. A
# machine without a record had nothing. Only functions.
ORIGINAL_STATE=$STATE/original-state
# Folders that belong exclusively to a cluster: the preflight rejects a host that has files in them.
CLUSTER_FOLDERS=(/etc/kubernetes /var/lib/kubelet /var/lib/containerd /run/containerd /run/flannel /run/calico
  /var/log/pods /var/log/containers /var/log/kubernetes/audit /usr/libexec/kubernetes)
# Folders that others use as well; children first.
SHARED_FOLDERS=(/etc/cni/net.d /etc/cni /var/lib/etcd/member /var/lib/etcd /var/lib/cni/networks
  /var/lib/cni/results /var/lib/cni/flannel /var/lib/cni/cache /var/lib/cni /usr/libexec
  /var/log/kubernetes /opt/cni/bin /opt/cni /opt/containerd/bin /opt/containerd/lib /opt/containerd)

# record_original_state: record it once, as lines of KIND<TAB>NAME.
record_original_state() {
  [[ ! -f $ORIGINAL_STATE ]] || return 0
  {
    find "${CLUSTER_FOLDERS[@]}" "${SHARED_FOLDERS[@]}" -maxdepth 0 -type d -printf 'folder\t%p\n' \
      2>/dev/null || true
    mounts_in "${CLUSTER_FOLDERS[@]}" | sed 's/^/mount\t/'
    owned_chains | sed 's/^/chain\t/'
    nft_tables | sed 's/^/table\t/'
  } >"$ORIGINAL_STATE.new"
  mv "$ORIGINAL_STATE.new" "$ORIGINAL_STATE"
}

was_there() { # KIND NAME
  grep -qxF "$1"$'\t'"$2" "$ORIGINAL_STATE" 2>/dev/null
}

# mounts_in FOLDER...: print the mount points in these folders, those of the folders included.
mounts_in() {
  local folder
  for folder in "$@"; do
    awk -v folder="$folder" '$5 == folder || index($5, folder "/") == 1 {print $5}' /proc/self/mountinfo
  done | sort --unique
}

# clear_folder FOLDER: remove a folder that belongs exclusively to a cluster. One that was there before is
# emptied, as is a disk of its own, except for what mkfs made.
clear_folder() {
  local mounts mount spared=()
  [[ -d $1 ]] || return 0
  mapfile -t mounts < <(mounts_in "$1")
  for mount in "${mounts[@]}"; do
    spared+=(! -path "$mount" ! -path "$mount/lost+found" ! -path "$mount/lost+found/*")
  done
  # A folder with a mount point in it cannot be removed.
  find "$1" -depth -mindepth 1 "${spared[@]}" -delete 2>/dev/null || ((${#mounts[@]})) ||
    die "$1 could not be emptied" "stop what writes to it on the machine, and run 'fleet up' again"
  remove_if_empty "$1"
}

# remove_if_empty FOLDER...: remove these folders, unless they were there before.
remove_if_empty() {
  local folder
  for folder in "$@"; do
    was_there folder "$folder" || rmdir --ignore-fail-on-non-empty "$folder" 2>/dev/null || true
  done
}
