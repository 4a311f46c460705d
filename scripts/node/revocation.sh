#!/usr/bin/env bash
# requires: lib
# settings: NODE_NAME AUTHORITY
# Ending one person's access to this machine's API server. It does not wait for the machine's lock: a
# step that runs meanwhile writes the file as a whole, too. Only functions.

# revoke_client: remove the CA AUTHORITY from the CAs of the API server's clients; print the outcome.
revoke_client() {
  set -Eeuo pipefail
  local text
  if [[ ! -s $CLIENT_CA_FILE ]]; then
    echo "no CAs of clients"
    return
  fi
  text=$(<"$CLIENT_CA_FILE")
  # The cluster's own CA is the first.
  if [[ $text == *$'\n'"$AUTHORITY"* ]]; then
    secret_file "$CLIENT_CA_FILE" "${text/$'\n'"$AUTHORITY"/}"
    persist "${CLIENT_CA_FILE%/*}"
    echo revoked
  else
    echo "was not accepted"
  fi
}
