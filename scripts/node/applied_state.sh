#!/usr/bin/env bash
# requires: lib node_facts pod-network
# settings: KUBERNETES_VERSION CONTROL KUBELET
# The note of what a member was last brought to: version, settings, and the sums of its files. It says
# what a later look may call a difference. Only functions.

# inspect: what this machine is like, and what it was brought to, as lines of KEY<TAB>VALUE.
inspect() {
  [[ ! -f $APPLIED_STATE ]] || sed 's/^/applied:/' "$APPLIED_STATE"
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
  } >"$APPLIED_STATE.new"
  mv "$APPLIED_STATE.new" "$APPLIED_STATE"
  rm -f "$REGISTERING"
}

# record_initial: record a member that has just been made, if nothing was noted yet.
record_initial() {
  [[ -f $APPLIED_STATE ]] || ! is_member || record_applied
}

# register: have the kubelet register its Node, which it does when it starts and at no other time. A
# Node that registers anew gets another share of the pod subnet. The note says until the machine is
# recorded as applied that its former pods, flannel's among them, are still to be replaced.
register() {
  touch "$REGISTERING" &&
    systemctl stop kubelet &&
    forget_pod_network &&
    systemctl start kubelet
}
