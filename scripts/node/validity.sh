#!/usr/bin/env bash
# requires: lib
# Certificates of this machine that cannot be used: kubelet-client, its kubelet's client certificate. Only
# functions.
KUBELET_CLIENT=/var/lib/kubelet/pki/kubelet-client-current.pem

# invalid_certificates: print the name of each, and which it is: missing or expired.
invalid_certificates() {
  is_valid "$KUBELET_CLIENT" || report_invalid kubelet-client "$(openssl x509 -in "$KUBELET_CLIENT" 2>/dev/null)"
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
