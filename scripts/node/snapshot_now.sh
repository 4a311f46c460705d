#!/usr/bin/env bash
# requires: snapshots
# A snapshot of etcd besides those of every day. That it is this machine's is certain: it is taken from
# the running etcd of the name NODE_NAME.
snapshot_now() {
  MACHINE_ID=$(machine_identity)
  lib_begin as-is
  open_run
  # Steps of the program need not wait for it.
  flock --unlock 9
  take_snapshot
}
