#!/usr/bin/env bash
# requires: lib balancer kms_plugin static-pods
# settings: LEAVING
# Health of this control plane: its etcd member agrees with the others, its API server is ready, and its load
# balancer does without the API server of the machine LEAVING, if that is not empty.
BALANCED_SECONDS=60

await_health() {
  lib_begin as-is
  require_plugin "$ENCRYPTION_CONFIG"
  await "$HEALTHY_SECONDS" "etcd on $NODE_NAME to be in agreement with its cluster" unless_crashing pod etcd is_healthy etcd
  await "$HEALTHY_SECONDS" "the API server on $NODE_NAME to be ready" unless_crashing pod kube-apiserver api_is_ready
  [[ -z $LEAVING ]] || await $BALANCED_SECONDS \
    "the load balancer of $NODE_NAME to know a ready API server other than that of $LEAVING" is_replaceable "$LEAVING"
}
