#!/usr/bin/env bash
# requires: lib etcd_data init-documents
# settings: NODE_ADDRESS SNAPSHOT SNAPSHOT_BYTES
# Restoring the data of a recreated cluster from an etcd snapshot. Only functions. Setting: SNAPSHOT,
# the sha256 of the received file, or empty if there is none to restore.
SNAPSHOT_FILE=$STATE/snapshot.db
# The cluster continued after the snapshot. Clients that saw a later revision must get an even later
# one, and learn that the revisions they saw are gone.
# https://etcd.io/docs/v3.6/op-guide/recovery/#restoring-with-revision-bump
REVISION_BUMP=1000000000
# Space for the snapshot, the restored data and further writes, as multiples of the snapshot.
SNAPSHOT_COPIES=3

# is_restored: is etcd's data that of the snapshot, if there is one? The marker is inside etcd's data
# directory, so that it is created and removed with it.
is_restored() {
  [[ -z ${SNAPSHOT:-} || $(cat "$ETCD_DATA/member/snapshot" 2>/dev/null) == "$SNAPSHOT" ]]
}

is_snapshot_intact() { # FILE: is it the snapshot?
  echo "$SNAPSHOT  $1" | sha256sum --check --status 2>/dev/null
}

# receive_snapshot: read the snapshot, of SNAPSHOT_BYTES, from standard input.
receive_snapshot() {
  lib_begin
  local room
  own_etcd_data
  for room in "$STATE" "$ETCD_DATA"; do
    (($(df --output=avail --block-size=1 "$room" | tail -n 1) > SNAPSHOT_COPIES * SNAPSHOT_BYTES)) ||
      die "not enough space in $room for a snapshot of $SNAPSHOT_BYTES bytes" \
        "free $SNAPSHOT_COPIES times that space and run 'fleet up' again"
  done
  (umask 077 && cat >"$SNAPSHOT_FILE.new")
  is_snapshot_intact "$SNAPSHOT_FILE.new" ||
    die "the snapshot was corrupted in transit, or changed after the config was loaded" \
      "run 'fleet up' again to send it again"
  mv "$SNAPSHOT_FILE.new" "$SNAPSHOT_FILE"
}

drop_snapshot() {
  rm -f "$SNAPSHOT_FILE" "$SNAPSHOT_FILE.new"
}

# restore: install the snapshot's data atomically. The data directory may be a mount point, which
# cannot be renamed, so its content is.
restore() {
  local program
  is_snapshot_intact "$SNAPSHOT_FILE" || die "the snapshot is missing on this machine" \
    "run 'fleet refresh' and 'fleet up' to send it again"
  program=$(restoring_program)
  say "restoring etcd from the snapshot"
  own_etcd_data
  rm -rf "$ETCD_DATA/member" "$ETCD_DATA/restoring"
  logged restore "$program" snapshot restore "$SNAPSHOT_FILE" --data-dir "$ETCD_DATA/restoring" \
    --name "$NODE_NAME" --initial-cluster "$NODE_NAME=https://$NODE_ADDRESS:2380" \
    --initial-advertise-peer-urls "https://$NODE_ADDRESS:2380" \
    --bump-revision $REVISION_BUMP --mark-compacted
  printf '%s\n' "$SNAPSHOT" >"$ETCD_DATA/restoring/member/snapshot"
  sync --file-system "$ETCD_DATA"
  mv "$ETCD_DATA/restoring/member" "$ETCD_DATA/member"
  rm -rf "$ETCD_DATA/restoring"
}

# restoring_program: print the path of etcdutl, installed or from the cluster's etcd image: upstream
# offers no separate download of it.
restoring_program() {
  local image
  if type -P etcdutl; then
    return
  fi
  init_documents >"$RUN/init.yaml"
  logged pull kubeadm config images pull --config "$RUN/init.yaml"
  image=$(kubeadm config images list --config "$RUN/init.yaml" 2>/dev/null | grep /etcd:)
  mkdir -p "$RUN/etcd"
  logged mount ctr --namespace k8s.io images mount "$image" "$RUN/etcd"
  cp "$RUN/etcd/usr/local/bin/etcdutl" "$RUN/etcdutl"
  logged unmount ctr --namespace k8s.io images unmount --rm "$RUN/etcd"
  echo "$RUN/etcdutl"
}
