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
# Waiting for another snapshot, of gigabytes on a slow disk.
SNAPSHOT_WAIT_SECONDS=1800
# Files that are newer than now by more than this are of a clock that was wrong.
CLOCK_TOLERANCE_SECONDS=3600
# The checksum of its content at the end of a snapshot. The content is pages of at least 512 bytes.
CHECKSUM_BYTES=32

# is_snapshot_due TOLERANCE: is there no snapshot of the last day, less TOLERANCE seconds, and of this
# membership?
is_snapshot_due() {
  local latest=$((EPOCHSECONDS + CLOCK_TOLERANCE_SECONDS)) since=$((EPOCHSECONDS - SNAPSHOT_INTERVAL_SECONDS + $1)) member
  member=$(stat --format %Y "$STATE/member")
  ((member <= since || member > latest)) || since=$member
  [[ -z $(find "$SNAPSHOTS" -name '*.db' -newermt "@$since" ! -newermt "@$latest" 2>/dev/null) ]]
}

# take_snapshot: take one, verify it, and only then add it to those that are kept. One at a time: the timer
# and a person may do so simultaneously.
take_snapshot() {
  local tools file new=$SNAPSHOTS/new
  tools=$(etcd_tools)
  mkdir -p "$SNAPSHOTS"
  chmod 0700 "$SNAPSHOTS"
  exec 8<"$SNAPSHOTS"
  flock --timeout "$SNAPSHOT_WAIT_SECONDS" 8 ||
    die "timed out after $SNAPSHOT_WAIT_SECONDS s waiting for another snapshot of etcd" \
      "run 'lslocks' on the machine to see which process holds $SNAPSHOTS"
  rm -f "$new" "$new.part"
  free_space_for_snapshot "$(stat --format %s /var/lib/etcd/member/snap/db)"
  # In the background, since bash ignores errexit wherever a status is tested.
  save_snapshot "$tools" "$new" &
  wait $! || {
    rm -f "$new" "$new.part"
    exit 1
  }
  file=$SNAPSHOTS/$(date --utc +%Y%m%dT%H%M%SZ).db
  mv "$new" "$file"
  sync "$SNAPSHOTS"
  oldest_snapshots | head -n "-$SNAPSHOTS_KEPT" | xargs --no-run-if-empty --delimiter='\n' rm -f
}

save_snapshot() { # TOOLS FILE
  (umask 077 && "$1/etcdctl" --endpoints https://127.0.0.1:2379 --cacert $SNAPSHOT_PKI/ca.crt \
    --cert $SNAPSHOT_PKI/healthcheck-client.crt --key $SNAPSHOT_PKI/healthcheck-client.key \
    snapshot save "$2") >&2
  has_own_checksum "$2" || die "the snapshot does not have its own checksum" "check this machine's disk"
  "$(etcdutl_beside "$1")" snapshot status "$2" >&2
  sync "$2"
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

# oldest_snapshots: print their paths, the oldest first. Those of the future were taken before the clock was
# corrected.
oldest_snapshots() {
  local latest="@$((EPOCHSECONDS + CLOCK_TOLERANCE_SECONDS))"
  find "$SNAPSHOTS" -name '*.db' -newermt "$latest" | sort
  find "$SNAPSHOTS" -name '*.db' ! -newermt "$latest" | sort
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
