#!/usr/bin/env bash
# The pod network's state on a machine. Only functions.

# forget_pod_network: without the CNI configuration the Node is NotReady until flannel or Calico start
# again with the Node's present share of the pod subnet. The bridge is made with the first pod and never
# given another address; host-local's files hold addresses of pods that are gone. Calico's Felix has
# routed what is of the Node's share, and of no pod, to nowhere.
# https://github.com/containernetworking/plugins/tree/main/plugins/ipam/host-local
forget_pod_network() {
  local link
  rm -f /etc/cni/net.d/10-{flannel,canal,calico}.conflist /run/calico/10-{canal,calico}.conflist \
    /run/calico/share /run/flannel/subnet.env
  for link in cni0 flannel.1 flannel-v6.1 vxlan.calico; do
    ip link delete "$link" 2>/dev/null || true
  done
  ip -4 route flush type blackhole protocol 80 2>/dev/null || true
  rm -rf /var/lib/cni/networks/cbr0 /var/lib/cni/results/{cbr0,cni-loopback}-*
}
