#!/usr/bin/env bash
# requires: lib crashes
# settings: NODE_ADDRESS SERVING_PAIR
# The serving certificate of this machine's kubelet with its key, in one file, which the program issues.
# Without the file a kubelet does not start; one that runs reads it again.
KUBELET_PORT=10250

install_serving_pair() {
  # kubeadm gives the kubelet's folder this mode, too.
  (umask 077 && mkdir -p "${KUBELET_SERVING%/*}")
  secret_file "$KUBELET_SERVING" "$SERVING_PAIR"
}

# renew_serving: replace the certificate. Only a kubelet that does not run, since it has none, is started.
renew_serving() {
  lib_begin
  install_serving_pair
  persist "${KUBELET_SERVING%/*}"
  if [[ $(service_state kubelet) == active ]]; then
    await 120 "the kubelet to show its new certificate" shows_serving
  else
    say "starting the kubelet"
    systemctl reset-failed kubelet 2>/dev/null || true
    systemctl restart kubelet
  fi
  say "the kubelet has a new serving certificate"
}

# shows_serving: does the kubelet show the certificate of the file?
shows_serving() {
  local shown
  shown=$(openssl s_client -connect "$NODE_ADDRESS:$KUBELET_PORT" </dev/null 2>/dev/null | fingerprint) || true
  LAST_ANSWER="the serving certificate of $NODE_ADDRESS:$KUBELET_PORT ($shown)"
  [[ $shown == "$(fingerprint <"$KUBELET_SERVING")" ]]
}

fingerprint() {
  openssl x509 -noout -fingerprint -sha256 2>/dev/null
}

# serving_key: print the SHA-256 of the public half of the key in the file.
serving_key() {
  openssl pkey -in "$KUBELET_SERVING" -pubout -outform DER 2>/dev/null | sha256sum | cut -d ' ' -f 1
}
