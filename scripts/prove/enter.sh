#!/usr/bin/env bash
# Runs a root as a machine of its own: as the first process, in namespaces of its own.
# usage: enter.sh ROOT SHARED SCRIPT     SHARED: a folder that the machine has too, or nothing
set -euo pipefail
root=$1 shared=$2 script=$3

# The cgroups below this process, mounted as the host has them: they are the machine's own tree.
mount_cgroups() {
  local place type options
  while read -r place type options; do
    case $type:$place in
    tmpfs:/sys/fs/cgroup) mount -t tmpfs -o mode=755 tmpfs "$root$place" ;;
    cgroup:* | cgroup2:*)
      mkdir -p "$root$place"
      options=${options#rw}
      mount -t "$type" ${options:+-o "${options#,}"} "$type" "$root$place"
      ;;
    esac
  done < <(sed -E 's/^([^ ]+ ){4}([^ ]+) .* - ([^ ]+) [^ ]+ ([^ ]+)$/\2 \3 \4/' /proc/self/mountinfo)
}

mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount_cgroups
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir -p "$root/run/lock" "$root/run/host"
if [[ -n $shared ]]; then
  mkdir -p "$root$shared"
  mount --bind "$shared" "$root$shared"
fi
hostname fresh
ip link set lo up
# Until the host has plugged in the network.
deadline=$((SECONDS + 30))
until [[ -e $root/sys/class/net/tap0 ]]; do
  ((SECONDS < deadline)) || { echo "no network after 30 s" >&2 && exit 1; }
  sleep 0.1
done
cd "$root"
pivot_root . run/host
exec chroot . bash -euo pipefail -c "umount --lazy /run/host
cd
$script
exit" # This shell stays the first process, which takes in those whose parents have ended.
