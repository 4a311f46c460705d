#!/usr/bin/env bash
# requires: lib static-pods
# Health of this control plane: its etcd member agrees with the others, and its API server is ready.
await_health() {
  lib_begin
  await "$HEALTHY_SECONDS" "etcd on $NODE_NAME to be in agreement with its cluster" unless_crashing pod etcd is_healthy etcd
  await "$HEALTHY_SECONDS" "the API server on $NODE_NAME to be ready" unless_crashing pod kube-apiserver api_is_ready
}
