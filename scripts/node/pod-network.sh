#!/usr/bin/env bash
# The pod network's state on a machine. Only functions.

# forget_pod_network: without the CNI configuration the Node is NotReady until flannel, and Calico's
# Felix where there is one, start again with the Node's present share of the pod subnet. The bridge is
# made with the first pod and never given another address; host-local's files hold addresses of pods
# that are gone.
# https://github.com/containernetworking/plugins/tree/main/plugins/ipam/host-local
forget_pod_network() {
  local link
  rm -f /etc/cni/net.d/10-{flannel,canal}.conflist /run/calico/10-canal.conflist /run/flannel/subnet.env
  for link in cni0 flannel.1 flannel-v6.1; do
    ip link delete "$link" 2>/dev/null || true
  done
  rm -rf /var/lib/cni/networks/cbr0 /var/lib/cni/results/{cbr0,cni-loopback}-*
}
