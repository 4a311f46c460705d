#!/usr/bin/env bash
# requires: lib client_authorities
# settings: CA_CERTIFICATE CA_KEY FRONT_PROXY_CA_CERTIFICATE FRONT_PROXY_CA_KEY ETCD_CA_CERTIFICATE ETCD_CA_KEY SERVICE_ACCOUNT_KEY SERVICE_ACCOUNT_PUBLIC_KEY
# The CAs and keys of a control plane. Workers never get them.
install_pki() {
  local pki=/etc/kubernetes/pki
  secret_file $pki/ca.crt "$CA_CERTIFICATE"
  secret_file $pki/ca.key "$CA_KEY"
  secret_file $pki/front-proxy-ca.crt "$FRONT_PROXY_CA_CERTIFICATE"
  secret_file $pki/front-proxy-ca.key "$FRONT_PROXY_CA_KEY"
  secret_file $pki/etcd/ca.crt "$ETCD_CA_CERTIFICATE"
  secret_file $pki/etcd/ca.key "$ETCD_CA_KEY"
  secret_file $pki/sa.key "$SERVICE_ACCOUNT_KEY"
  secret_file $pki/sa.pub "$SERVICE_ACCOUNT_PUBLIC_KEY"
  install_client_authorities
}
