#!/usr/bin/env bash
# Which CAs and keys this machine trusts, and whether its kubelet has read them. Only functions.

# trust_digest: print a checksum of what this machine trusts, and of what its certificates are shown with,
# without empty lines.
trust_digest() {
  (cd /etc/kubernetes/pki 2>/dev/null && cat ca.crt root-ca.crt etcd/ca.crt front-proxy-ca.crt sa.pub \
    ca-chain.crt etcd/ca-chain.crt front-proxy-ca-chain.crt 2>/dev/null | grep . | sha256sum | cut -d ' ' -f 1) || true
}

# cluster_ca_digest: print the same of the cluster's CA alone, which is all that kubelets trust.
cluster_ca_digest() {
  { grep . /etc/kubernetes/pki/ca.crt 2>/dev/null || true; } | sha256sum | cut -d ' ' -f 1
}

# The run of the kubelet during which the cluster's CA was replaced, and the checksum of the CA that this run
# has read; gone after a reboot.
KUBELET_READ=/run/kubeadm-fleet-kubelet-ca

# kubelet_run: print what identifies the kubelet since its last start.
kubelet_run() {
  systemctl show --property InvocationID --value kubelet
}

# kubelet_ca_digest: print the checksum of the cluster's CA that the kubelet has read: it does so only when
# it starts.
kubelet_ca_digest() {
  local run='' digest=''
  [[ ! -s $KUBELET_READ ]] || read -r run digest <"$KUBELET_READ"
  if [[ -n $digest && $run == "$(kubelet_run)" ]]; then
    echo "$digest"
  else
    cluster_ca_digest
  fi
}
