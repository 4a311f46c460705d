#!/usr/bin/env bash
# requires: lib
# What the running kernel lacks for a Node. Only functions that read.
MODULES=/lib/modules
LOADED_MODULES=/sys/module
# Modules of containers and pod networks; a kernel may have them built in.
NODE_MODULES=(overlay br_netfilter vxlan)
NODE_CONTROLLERS=(cpu cpuset memory pids)

# has_modules: are the running kernel's modules installed? Without any module this is a container.
has_modules() {
  [[ -d $MODULES/$(uname -r) || -z $(ls -A "$MODULES" 2>/dev/null) ]]
}

# missing_modules: print the modules that are not loaded and cannot be: they are not installed, or
# /etc/modprobe.d forbids them.
missing_modules() {
  local module needs
  [[ -d $MODULES/$(uname -r) ]] || return 0
  for module in "${NODE_MODULES[@]}"; do
    [[ ! -d $LOADED_MODULES/$module ]] || continue
    needs=$(modprobe --show-depends "$module" 2>/dev/null) || needs='install /bin/false'
    ! grep -qE '^install .*/(false|true)' <<<"$needs" || echo "$module"
  done
}

# missing_controllers: print the cgroup controllers that are switched off.
missing_controllers() {
  local have controller
  have=" $(cat /sys/fs/cgroup/cgroup.controllers 2>/dev/null || awk '$4 == 1 {print $1}' /proc/cgroups) "
  have=${have//$'\n'/ }
  for controller in "${NODE_CONTROLLERS[@]}"; do
    [[ $have == *" $controller "* ]] || echo "$controller"
  done
}

is_selinux_enforcing() {
  [[ $(cat /sys/fs/selinux/enforce 2>/dev/null) == 1 ]]
}
