#!/usr/bin/env bash
# requires: lib
# The KMS plugin that a control plane's API server asks to encrypt Secrets, by a socket in a folder that its pod
# mounts. Whoever runs the plugin starts it: without it, the API server is not ready. Only functions.
ENCRYPTION_CONFIG=$API_SERVER_SECRETS_FOLDER/encryption.yaml
# How long one that is being restarted may take.
PLUGIN_SECONDS=20

# plugin_socket FILE: print the socket of the plugin that an encryption config names; nothing if it names none.
plugin_socket() {
  sed --quiet 's|^ *endpoint: unix://||p' "$1" 2>/dev/null || true
}

# require_plugin FILE: fail unless the plugin that an encryption config names answers as API servers require it.
require_plugin() {
  local socket began=$SECONDS what
  socket=$(plugin_socket "$1")
  [[ -n $socket ]] || return 0
  until plugin_is_healthy "$socket"; do
    what="no KMS plugin (v2) answers at $socket"
    [[ -z ${PLUGIN_ANSWER// /} ]] || what="the KMS plugin at $socket is not healthy ($PLUGIN_ANSWER)"
    ((SECONDS - began < PLUGIN_SECONDS)) || die "$what, without which the API server is not ready" \
      "start it on this machine and run 'fleet up' again: no API server is stopped before it answers"
    sleep 1
  done
}

# plugin_is_healthy SOCKET: ask for its status. The request is an empty message; the answer has the API's version,
# ok, and the id of the key. https://github.com/kubernetes/kms/blob/v0.36.3/apis/v2/api.proto
plugin_is_healthy() {
  local said
  said=$(printf '\0\0\0\0\0' |
    curl --disable --silent --max-time 5 --unix-socket "$1" --http2-prior-knowledge \
      --header 'Content-Type: application/grpc' --header 'TE: trailers' --data-binary @- \
      http://localhost/v2.KeyManagementService/Status | tr '\0' ' ') || true
  PLUGIN_ANSWER=$(tr --complement --delete '[:print:]' <<<"$said" | cut -c 1-200)
  [[ $said == *$'\x12\x02ok'* ]]
}
