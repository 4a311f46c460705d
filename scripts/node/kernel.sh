#!/usr/bin/env bash
# requires: lib
# The kernel settings of a node, on a running machine. Only functions.
KERNEL_SETTINGS=/etc/sysctl.d/90-kubeadm-fleet.conf

# load_kernel: apply the settings that a boot would apply, and record those that it changed, with
# their former values.
load_kernel() {
  local setting value file before
  grep -qw overlay /proc/filesystems || logged modprobe modprobe overlay
  [[ -d /proc/sys/net/bridge ]] || logged modprobe modprobe br_netfilter
  while read -r setting _ value; do
    file=/proc/sys/${setting//.//}
    before=$(<"$file")
    [[ $before != "$value" ]] || continue
    echo "${setting//.//} $before $value" >>"$STATE/settings"
    echo "$value" >"$file" || die "$file is $before and cannot be set to $value" \
      "fix what prevents it (is the host itself a container?) and run 'fleet up' again"
  done <"$KERNEL_SETTINGS"
}
