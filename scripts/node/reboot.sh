#!/usr/bin/env bash
# requires: lib static-pods
# A reboot of a member whose Node is drained.

# reboot_machine: reboot it once this connection has its answer. What serves the cluster ends first, in
# the order of its dependencies: at a shutdown, systemd ends etcd together with the API server.
reboot_machine() {
  lib_begin
  if is_control_plane; then
    ! systemctl is-active --quiet kubeadm-fleet-keepalived || systemctl stop kubeadm-fleet-keepalived
    systemctl stop kubelet
    end_components kube-apiserver kube-controller-manager kube-scheduler etcd
  fi
  say "rebooting"
  systemctl --no-block reboot
}
