#!/usr/bin/env bash
# requires: lib space
# settings: NODE_NAME
# Snapshots of etcd's data on this control plane, one a day, the last ones kept. Each holds all of the
# cluster's Secrets, so only root can read it. Only functions.
#
# The tools are those of the running etcd, from its container; upstream offers no separate download.
SNAPSHOTS=$STATE/snapshots
SNAPSHOTS_KEPT=7
SNAPSHOT_INTERVAL_SECONDS=$((24 * 3600))
SNAPSHOT_PKI=/etc/kubernetes/pki/etcd
# Free space beside the snapshots, where a fifth of the disk is more: the kubelet evicts pods from a
# full disk.
SNAPSHOT_RESERVE=$((10 << 30))
# The checksum of its content at the end of a snapshot. The content is pages of at least 512 bytes.
CHECKSUM_BYTES=32

# is_snapshot_due TOLERANCE: is there no snapshot of the last day, less TOLERANCE seconds, and of this
# membership? Those in the future are of a wrong clock.
is_snapshot_due() {
  [[ -z $(find "$SNAPSHOTS" -name '*.db' -newer "$STATE/member" ! -newermt '1 hour' \
    -newermt "-$((SNAPSHOT_INTERVAL_SECONDS - $1)) seconds" 2>/dev/null) ]]
}

# take_snapshot: take one, verify it, and only then add it to those that are kept.
take_snapshot() {
  local tools file new=$SNAPSHOTS/new
  tools=$(etcd_tools)
  mkdir -p "$SNAPSHOTS"
  chmod 0700 "$SNAPSHOTS"
  rm -f "$new" "$new.part"
  free_space_for_snapshot "$(stat --format %s /var/lib/etcd/member/snap/db)"
  (umask 077 && "$tools/etcdctl" --endpoints https://127.0.0.1:2379 --cacert $SNAPSHOT_PKI/ca.crt \
    --cert $SNAPSHOT_PKI/healthcheck-client.crt --key $SNAPSHOT_PKI/healthcheck-client.key \
    snapshot save "$new") >&2
  has_own_checksum "$new" || die "the snapshot does not have its own checksum" "check this machine's disk"
  "$(etcdutl_beside "$tools")" snapshot status "$new" >&2
  file=$SNAPSHOTS/$(date --utc +%Y%m%dT%H%M%SZ).db
  sync "$new"
  mv "$new" "$file"
  sync "$SNAPSHOTS"
  oldest_snapshots | head -n "-$SNAPSHOTS_KEPT" | xargs --no-run-if-empty --delimiter='\n' rm -f
}

# etcd_tools: print the folder of the running etcd's programs, as this machine sees it.
etcd_tools() {
  local process
  process=$(pgrep --oldest --full "^etcd .*--name=$NODE_NAME( |\$)") ||
    die "etcd is not running" "'journalctl -u kubelet' and /var/log/pods on the machine"
  echo "/proc/$process/root/usr/local/bin"
}

# etcdutl_beside TOOLS: print the path of etcdutl, which may be installed instead.
etcdutl_beside() {
  if [[ -x $1/etcdutl ]]; then echo "$1/etcdutl"; else type -P etcdutl; fi
}

# has_own_checksum SNAPSHOT: does its content have the sha256 that etcd appended to it?
has_own_checksum() {
  local size
  size=$(stat --format %s "$1")
  ((size > CHECKSUM_BYTES && size % 512 == CHECKSUM_BYTES)) &&
    [[ $(head --bytes=-$CHECKSUM_BYTES "$1" | sha256sum | cut -d ' ' -f 1) == \
    $(tail --bytes=$CHECKSUM_BYTES "$1" | od --address-radix=n --format=x1 --output-duplicates | tr -d ' \n') ]]
}

# oldest_snapshots: print their paths, the oldest first.
oldest_snapshots() {
  find "$SNAPSHOTS" -name '*.db' | sort
}

newest_snapshot() {
  oldest_snapshots | tail -n 1 | xargs --no-run-if-empty basename
}

# free_space_for_snapshot BYTES: check the space for one, and give up older ones for it, but not the
# newest.
free_space_for_snapshot() {
  local free size needed former
  while true; do
    read -r free size < <(df --block-size=1 --output=avail,size "$SNAPSHOTS" | tail -n 1)
    needed=$(($1 + (size / 5 < SNAPSHOT_RESERVE ? size / 5 : SNAPSHOT_RESERVE)))
    ((free < needed)) || return 0
    mapfile -t former < <(oldest_snapshots)
    ((${#former[@]} > 1)) ||
      die "not enough space for a snapshot of etcd: $(in_mib "$free") free in $SNAPSHOTS, $(in_mib "$needed") needed" \
        "free space on that disk"
    rm -f "${former[0]}"
  done
}
