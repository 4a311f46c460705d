#!/usr/bin/env bash
# requires: paths
# settings: CLUSTER_DOCUMENTS
# kubeadm's documents for the initialization of a cluster. Only functions.

# init_documents: print this machine's InitConfiguration and the cluster's documents.
init_documents() {
  cat "$INIT_CONFIGURATION"
  printf -- '---\n%s\n' "$CLUSTER_DOCUMENTS"
}
