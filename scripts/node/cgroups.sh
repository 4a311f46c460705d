#!/usr/bin/env bash
# What depends on the version of cgroups that this machine has. Only functions.

is_cgroup_v2() {
  [[ $(stat -fc %T /sys/fs/cgroup) == cgroup2fs ]]
}

# systemd_cgroups: does systemd manage cgroup v2 here? Then runc must ask it for cgroups.
systemd_cgroups() {
  is_cgroup_v2 && echo true || echo false
}

# preflight_exceptions: the kubeadm preflight checks that cannot pass on this machine although the
# cluster works on it. Only cgroup v1 is known, which kubeadm's SystemVerification refuses.
preflight_exceptions() {
  is_cgroup_v2 || echo --ignore-preflight-errors=SystemVerification
}
