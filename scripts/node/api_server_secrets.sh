#!/usr/bin/env bash
# requires: lib changed component_files
# settings: API_SERVER_SECRETS
# The files of this machine's API server that nobody else may read: what encrypts Secrets in etcd, and the
# login for a server that gets audit events. The setting is a table (model/api_server_secrets.py). The API
# server reads them only when it starts. Only functions.

# install_api_server_secrets COMMAND: write the files of the table, and remove all others. COMMAND is called
# with the path of each that changes.
install_api_server_secrets() {
  local name content path
  local -A wanted=()
  mkdir -p "$API_SERVER_SECRETS_FOLDER"
  chmod 0700 "$API_SERVER_SECRETS_FOLDER"
  while IFS=$'\t' read -r name content; do
    wanted[$name]=yes
    path=$API_SERVER_SECRETS_FOLDER/$name
    content=$(base64 --decode <<<"$content")
    [[ -f $path && $(stat --format %a "$path") == 600 ]] && cmp --silent "$path" <(printf '%s\n' "$content") && continue
    "$1" "$path"
    secret_file "$path" "$content"
  done <<<"$API_SERVER_SECRETS"
  for path in "$API_SERVER_SECRETS_FOLDER"/*; do
    [[ -v wanted[${path##*/}] ]] || rm -rf "$path"
  done
}

# apply_api_server_secrets: replace them on this control plane, and restart its API server if that uses
# them. Should it not start with them, it gets the previous ones back.
apply_api_server_secrets() {
  lib_begin
  check_plugin <(awk '$1 == "encryption.yaml" {print $2}' <<<"$API_SERVER_SECRETS" | base64 --decode)
  recall_changed
  keep_component_files
  install_api_server_secrets changed
  persist "$API_SERVER_SECRETS_FOLDER"
  use_component_files
  forget_changed
  say "the API server's secret files replaced"
}
