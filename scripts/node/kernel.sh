#!/usr/bin/env bash
# requires: lib
# The kernel settings of a node, on a running machine. Only functions.
KERNEL_SETTINGS=(net/ipv4/ip_forward net/bridge/bridge-nf-call-iptables net/bridge/bridge-nf-call-ip6tables)

# load_kernel: apply the settings that a boot would apply, and record the changed ones.
load_kernel() {
  local setting
  grep -qw overlay /proc/filesystems || logged modprobe modprobe overlay
  [[ -d /proc/sys/net/bridge ]] || logged modprobe modprobe br_netfilter
  for setting in "${KERNEL_SETTINGS[@]}"; do
    local file=/proc/sys/$setting
    [[ $(<"$file") == 1 ]] && continue
    echo "$setting" >>"$STATE/settings"
    echo 1 >"$file" || die "$file is $(<"$file") and cannot be set to 1" \
      "find out what prevents it (is the host itself a container?) and run 'pulumi up' again"
  done
}
