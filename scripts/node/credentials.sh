#!/usr/bin/env bash
# requires: lib
# The credentials for registry mirrors: a line for each registry, the registry and base64 of
# user:password, separated by a tab. They are filled in where files name them; the record of files
# (managed.sh) has only the names. Only functions.
CREDENTIALS=$STATE/mirror-credentials

# store_credentials TABLE: keep the table for root only, or remove the kept one if it is empty.
store_credentials() {
  if [[ -n $1 ]]; then
    secret_file "$CREDENTIALS" "$1"
  else
    rm -f "$CREDENTIALS"
  fi
}

# credentials_of REGISTRY: print its credentials in base64.
credentials_of() {
  local registry value
  while IFS=$'\t' read -r registry value; do
    [[ $registry != "$1" ]] || { echo "$value" && return; }
  done <"$CREDENTIALS"
  die "there are no credentials for the mirror of $1 on this machine" \
    "run 'fleet refresh' and 'fleet up' to send them again"
}
