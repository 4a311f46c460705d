#!/usr/bin/env bash
# requires: lib
# settings: SERVING_PAIR
# The serving certificate of this machine's kubelet with its key, in one file, which the program issues.
# Without the file a kubelet does not start; one that runs reads it again. Only functions.
install_serving_pair() {
  # kubeadm gives the kubelet's folder this mode, too.
  (umask 077 && mkdir -p "${KUBELET_SERVING%/*}")
  secret_file "$KUBELET_SERVING" "$SERVING_PAIR"
}
