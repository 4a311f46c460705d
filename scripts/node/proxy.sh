#!/usr/bin/env bash
# requires: paths managed
# The proxy of this machine for programs that download something. Only functions.
# The table that says which: the applied one; the step prepare takes the desired one.
PROXY_TABLE=$MANAGED

# proxied COMMAND...: run a command with the proxy in its environment.
proxied() {
  local environment=()
  mapfile -t environment < <(proxy_environment)
  if ((${#environment[@]})); then
    local -x "${environment[@]}"
  fi
  "$@"
}

# proxy_environment: print the proxy as lines of NAME=value, if there is one.
proxy_environment() {
  [[ ! -f $PROXY_TABLE ]] ||
    awk -F '\t' -v path="$STATE/proxy.env" '$1 == path {print $4}' "$PROXY_TABLE" | base64 --decode
}
