#!/usr/bin/env bash
# requires: lib api_server_secrets client_authorities kms_plugin
# settings: CA_CERTIFICATE CA_KEY CA_CHAIN ROOT_CA_CERTIFICATE FRONT_PROXY_CA_CERTIFICATE FRONT_PROXY_CA_KEY FRONT_PROXY_CA_CHAIN ETCD_CA_CERTIFICATE ETCD_CA_KEY ETCD_CA_CHAIN SERVICE_ACCOUNT_KEY SERVICE_ACCOUNT_PUBLIC_KEY
# The CAs and keys of a control plane. Workers never get them. During a rotation a CERTIFICATE has more
# than one: the first is that of the KEY, and the one that kubeadm signs with. A CHAIN is what its leaf
# certificates are shown with, "" if nothing. ROOT_CA_CERTIFICATE has the cluster's CAs in an order that does
# not change with the one that signs.
install_pki() {
  install_trust
  install_client_authorities
  # No API server runs here yet that would have to be restarted.
  install_api_server_secrets true
  require_plugin "$ENCRYPTION_CONFIG"
}

install_trust() {
  local pki=/etc/kubernetes/pki signer
  install_authority $pki/ca "$CA_CERTIFICATE" "$CA_KEY" "$CA_CHAIN"
  install_authority $pki/front-proxy-ca "$FRONT_PROXY_CA_CERTIFICATE" "$FRONT_PROXY_CA_KEY" "$FRONT_PROXY_CA_CHAIN"
  install_authority $pki/etcd/ca "$ETCD_CA_CERTIFICATE" "$ETCD_CA_KEY" "$ETCD_CA_CHAIN"
  # The controller manager signs with a file of exactly one certificate.
  signer=$(openssl x509 -in $pki/ca.crt)
  secret_file $pki/signer.pem "$signer"$'\n'"$CA_KEY"
  # It publishes this file for pods, whenever it starts: in another order it would be another one.
  secret_file $pki/root-ca.crt "$ROOT_CA_CERTIFICATE"
  secret_file $pki/sa.key "$SERVICE_ACCOUNT_KEY"
  secret_file $pki/sa.pub "$SERVICE_ACCOUNT_PUBLIC_KEY"
}

# install_authority PATH CERTIFICATES KEY CHAIN: the certificates, by which it is known (trust.sh), come
# last.
install_authority() {
  secret_file "$1.key" "$3"
  if [[ -n $4 ]]; then
    secret_file "$1-chain.crt" "$4"
  else
    rm -f "$1-chain.crt"
  fi
  secret_file "$1.crt" "$2"
}
