#!/usr/bin/env bash
# Whether this control plane does its share: its etcd member agrees with the others, its API server is
# ready. Needs lib.sh and static-pods.sh in front of it. Settings: NODE_NAME, NODE_ADDRESS.
await_health() {
  await "$HEALTHY_SECONDS" "etcd on $NODE_NAME to agree with its cluster" is_healthy etcd
  await "$HEALTHY_SECONDS" "the API server on $NODE_NAME to be ready" api_is_ready
}
