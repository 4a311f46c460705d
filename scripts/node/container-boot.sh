#!/bin/bash
# Runs first in a container machine: removes obstacles that nspawn leaves for a container runtime.
# It delays SSH and containerd, so it starts as few processes as possible.
set -u

# kubelet and runc make cgroups of their own, where nspawn mounts them read-only.
while read -r _ _ _ _ mount options _; do
  if [[ $mount == /sys/fs/cgroup* && ,$options, == *,ro,* ]]; then
    mount -o remount,bind,rw "$mount"
  fi
done </proc/self/mountinfo
# After a reboot the cgroups of the former boot's pods may still be there: the kubelet would look for
# the container of each of them for 3 s before it starts any.
for folder in /sys/fs/cgroup{,/*}/kubepods*; do
  if [[ -d $folder ]]; then
    find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null
  fi
done
# Volumes that a pod mounts must be seen by the machine.
mount --make-rshared /

# These belong to the machine's own network.
for setting in ipv4/ip_forward ipv4/conf/all/forwarding; do
  echo 1 >"/proc/sys/net/$setting"
done
for setting in /proc/sys/net/bridge/bridge-nf-call-ip{,6}tables; do
  [[ -e $setting ]] && echo 1 >"$setting"
done

# These belong to the host, and are read-only here. The kubelet requires specific values: it reads
# them from private files that are bind-mounted over the settings.
bind_sysctl() { # SETTING VALUE
  local setting=/proc/sys/$1 file=/run/kubeadm-fleet-settings/$1
  [[ $(<"$setting") == "$2" ]] && return
  mkdir -p "${file%/*}"
  echo "$2" >"$file"
  mount --bind "$file" "$setting"
}
bind_sysctl vm/overcommit_memory 1
bind_sysctl vm/panic_on_oom 0
bind_sysctl kernel/panic 10
bind_sysctl kernel/panic_on_oops 1
bind_sysctl kernel/keys/root_maxkeys 1000000
bind_sysctl kernel/keys/root_maxbytes 25000000

set_containerd() { # SETTING VALUE
  sed -i "s/^\( *$1 = \).*/\1$2/" /etc/containerd/config.toml
}
# Without CAP_SYS_RESOURCE oom_score_adj cannot be lowered; then runc must not try.
if ! (echo -1 >/proc/self/oom_score_adj) 2>/dev/null; then
  set_containerd restrict_oom_score_adj true
fi
# Where systemd manages cgroup v2, runc must ask it for cgroups; the kubelet asks containerd which.
if [[ $(stat -fc %T /sys/fs/cgroup) == cgroup2fs ]]; then
  set_containerd SystemdCgroup true
fi
exit 0
