#!/usr/bin/env bash
# requires: lib leaves
# Certificates of this machine that cannot be used: kubelet-client, its kubelet's client certificate, and
# the leaf certificates of a control plane. Only functions.
KUBELET_CLIENT=/var/lib/kubelet/pki/kubelet-client-current.pem

# invalid_certificates: print the name of each, and which it is: missing or expired.
invalid_certificates() {
  is_valid "$KUBELET_CLIENT" || report_invalid kubelet-client "$(openssl x509 -in "$KUBELET_CLIENT" 2>/dev/null)"
  ! is_control_plane || invalid_leaves
}

# invalid_leaves: the same of the leaf certificates alone. Where all files are valid, one process reads them.
invalid_leaves() {
  local name files=()
  for name in "${LEAVES[@]}"; do
    [[ $name == admin.conf ]] || files+=("$(leaf_path "$name")")
  done
  if openssl verify -CAfile <(cat "$KUBERNETES"/pki/{ca,front-proxy-ca,etcd/ca}.crt) "${files[@]}" &>/dev/null; then
    report_invalid admin.conf "$(leaf_certificate admin.conf)"
    return
  fi
  for name in "${LEAVES[@]}"; do
    report_invalid "$name" "$(leaf_certificate "$name")"
  done
}

is_valid() { # FILE
  openssl x509 -noout -checkend 0 -in "$1" &>/dev/null
}

report_invalid() { # NAME CERTIFICATE
  if [[ -z $2 ]]; then
    fact "$1" "is missing"
  elif ! openssl x509 -noout -checkend 0 <<<"$2" >/dev/null; then
    fact "$1" "expired on $(date --utc '+%F %H:%M UTC' --date="$(openssl x509 -noout -enddate <<<"$2" | cut -d = -f 2)")"
  fi
}
