#!/usr/bin/env bash
# Which CAs and keys this machine trusts, and whether its kubelet has read them. Only functions.

# trust_digest: print a checksum of what this machine trusts, and of what its certificates are shown with,
# without empty lines.
trust_digest() {
  (cd /etc/kubernetes/pki 2>/dev/null && cat ca.crt etcd/ca.crt front-proxy-ca.crt sa.pub \
    ca-chain.crt etcd/ca-chain.crt front-proxy-ca-chain.crt 2>/dev/null | grep . | sha256sum | cut -d ' ' -f 1) || true
}

# cluster_ca_digest: print the same of the cluster's CA alone, which is all that kubelets trust.
cluster_ca_digest() {
  { grep . /etc/kubernetes/pki/ca.crt 2>/dev/null || true; } | sha256sum | cut -d ' ' -f 1
}

# kubelet_trust: print former if the kubelet runs since before the cluster's CA was written: it reads it
# only when it starts.
kubelet_trust() {
  local started
  started=$(date --date="$(systemctl show --property ActiveEnterTimestamp --value kubelet)" +%s 2>/dev/null) || return 0
  if ((started < $(stat --format %Y /etc/kubernetes/pki/ca.crt 2>/dev/null || echo 0))); then
    echo former
  else
    echo current
  fi
}
