#!/usr/bin/env bash
# The note of what a member was last brought to: version, settings, and the sums of its files. It says
# what a later look may call a difference. Only functions; needs state.sh in front of it, and to
# register, pod-network.sh.
SETTLED=/var/lib/kubeadm-fleet/settled

# look: what this machine is like, and what it was brought to, as lines of KEY<TAB>VALUE.
look() {
  [[ ! -f $SETTLED ]] || sed 's/^/settled:/' "$SETTLED"
  survey
}

# settle: note that this machine is what it should be now. Settings: KUBERNETES_VERSION, CONTROL and
# KUBELET, which identify what its control plane and its kubelet were told.
settle() {
  {
    fact version "$KUBERNETES_VERSION"
    fact control "$CONTROL"
    fact kubelet "$KUBELET"
    survey | grep -E '^(file|service):'
  } >"$SETTLED.new"
  mv "$SETTLED.new" "$SETTLED"
  rm -f "$REGISTERING"
}

# adopt: settle a member that has just been made, if nothing was noted yet.
adopt() {
  [[ -f $SETTLED || ! -s /var/lib/kubeadm-fleet/member ]] || settle
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
