#!/usr/bin/env bash
# The baseline of `make bench`: the dev stack's two clusters (one control plane and one worker
# each) made with bare commands, the way a person would type them: machines from the same root
# image, images imported by ctr on each machine, `kubeadm init`, `kubeadm join` with a token, flannel
# and the network probe. Its end is the program's: every Node is Ready, CoreDNS is available, the
# probe pod on every Node is Ready. It prints a line a phase and removes everything at the end.
# More arguments: the first three numbers of each cluster's addresses, such as 10.85.1.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=machines.sh
source "${BASH_SOURCE[0]%/*}/machines.sh"

cluster() { # NAME SUBNET_PREFIX
  local name=$1 first=$2.11 second=$2.12 applied preparing=()
  # shellcheck disable=SC2046
  prepare "$first" $(control_plane_images "$BUNDLE") &
  preparing+=($!)
  # shellcheck disable=SC2046
  prepare "$second" $(worker_images "$BUNDLE") &
  wait_all "${preparing[@]}" $!
  lap "$name prepared"
  init "$first" "$first:6443"
  lap "$name init"
  addons "$first" "$first" &
  applied=$!
  join "$second" "$first:6443"
  lap "$name joined"
  wait "$applied"
  await_ready "$first" 2
  lap "$name ready"
}

PREFIXES=("$6" "$7")
make_work_folder
for n in 0 1; do
  net=${PREFIXES[n]}
  bridge "bare$n" "$net.1"
  boot "bare$n-control-plane" "$net.11" "$net.1" "bare$n"
  boot "bare$n-worker" "$net.12" "$net.1" "bare$n"
done
for n in 0 1; do
  cluster "bare$n" "${PREFIXES[n]}" &
  JOBS+=($!)
done
wait_all "${JOBS[@]}"
lap "both clusters ready"
