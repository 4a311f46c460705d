#!/usr/bin/env bash
# requires: lib
# What this machine's load balancer (vip.sh) knows of the cluster's API servers. Only functions.
REPLACEMENT_SECONDS=30

# balanced_servers: print the name and the state of each API server, as haproxy has them. Nothing if there
# is no load balancer here or it does not answer: then it sends no client anywhere.
balanced_servers() {
  curl --disable --silent --fail --max-time 2 --unix-socket "$LOAD_BALANCER_SOCKET" \
    'http://haproxy/servers;csv' 2>/dev/null |
    awk -F , '$1 == "control-planes" && $2 != "BACKEND" {print $2, $18}'
}

# is_replaceable NAME: would this load balancer send clients to another API server if that of the machine
# NAME ended? One that it does not use, or the only one, needs no other.
is_replaceable() {
  local known
  known=$(balanced_servers) || true
  LAST_ANSWER="haproxy of $NODE_NAME ('journalctl -u kubeadm-fleet-haproxy' on the machine): ${known//$'\n'/, }"
  awk -v leaving="$1" '
    $1 == leaving {used = $2 == "UP"; next}
    {others++; if ($2 == "UP") ready++}
    END {exit used && others && !ready}' <<<"$known"
}

# await_replacement: before this machine's API server ends, wait until its load balancer, which may have the
# clients, knows another one that is ready. For a limited time: what ends it may bring the others back.
await_replacement() {
  local began=$SECONDS
  until is_replaceable "$NODE_NAME"; do
    if ((SECONDS - began >= REPLACEMENT_SECONDS)); then
      say "no other API server was ready within $REPLACEMENT_SECONDS s: $LAST_ANSWER"
      return
    fi
    sleep 0.1
  done
}
