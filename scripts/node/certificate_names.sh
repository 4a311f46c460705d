#!/usr/bin/env bash
# requires: lib
# The names that a certificate is valid for. Only functions.
APISERVER_CERTIFICATE=/etc/kubernetes/pki/apiserver.pem

names_in() { # CERTIFICATE
  openssl x509 -noout -ext subjectAltName -in "$1" 2>/dev/null | tail -n +2 |
    tr ',' '\n' | sed 's/^ *//' | sort | tr '\n' ' '
}
