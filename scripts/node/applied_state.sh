#!/usr/bin/env bash
# The note of what a member was last brought to: version, settings, and the sums of its files. It says
# what a later look may call a difference. Only functions; needs node_facts.sh in front of it, and to
# register, pod-network.sh.
APPLIED=/var/lib/kubeadm-fleet/applied-state

# inspect: what this machine is like, and what it was brought to, as lines of KEY<TAB>VALUE.
inspect() {
  [[ ! -f $APPLIED ]] || sed 's/^/applied:/' "$APPLIED"
  node_facts
}

# record_applied: note that this machine is what it should be now. Settings: KUBERNETES_VERSION, CONTROL and
# KUBELET, which identify what its control plane and its kubelet were told.
record_applied() {
  {
    fact version "$KUBERNETES_VERSION"
    fact control "$CONTROL"
    fact kubelet "$KUBELET"
    node_facts | grep -E '^(file|service):'
  } >"$APPLIED.new"
  mv "$APPLIED.new" "$APPLIED"
  rm -f "$REGISTERING"
}

# record_initial: record a member that has just been made, if nothing was noted yet.
record_initial() {
  [[ -f $APPLIED || ! -s /var/lib/kubeadm-fleet/member ]] || record_applied
}

# register: have the kubelet register its Node, which it does when it starts and at no other time. A
# Node that registers anew gets another share of the pod subnet. The note says until the machine is
# settled that its former pods, flannel's among them, are still to be replaced.
register() {
  touch "$REGISTERING" &&
    systemctl stop kubelet &&
    forget_pod_network &&
    systemctl start kubelet
}
