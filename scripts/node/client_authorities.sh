#!/usr/bin/env bash
# requires: lib
# settings: CLIENT_AUTHORITIES
# The CAs whose client certificates this machine's API server accepts: the cluster's own and those of
# people. It reads the file again when it changes. Only functions.

install_client_authorities() {
  secret_file "$CLIENT_CA_FILE" "$CLIENT_AUTHORITIES"
}

# apply_client_authorities: replace the file. Nothing is restarted.
apply_client_authorities() {
  lib_begin
  install_client_authorities
  persist "${CLIENT_CA_FILE%/*}"
  say "client CAs replaced"
}
