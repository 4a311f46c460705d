#!/usr/bin/env bash
# requires: lib changed component_files leaves
# settings: NODE_NAME NODE_ADDRESS
# The issuers whose tokens this machine's API server accepts. It reads a changed file within a minute, and
# uses it only if it is valid and every issuer in it answers, which it tries for another minute. With other
# paths for anonymous requests it is used after a restart only. Only functions.
API_SERVER_MANIFEST=/etc/kubernetes/manifests/kube-apiserver.yaml
ISSUERS_SECONDS=180
RESTARTED_FOR_ANONYMOUS=

# use_authentication: return when this machine's API server uses the changed file, which remains a changed
# one until then. An API server that does not run reads it when it starts. One whose certificates have
# expired reads it, too, but cannot be asked: their repair comes later.
use_authentication() {
  is_changed "$AUTHENTICATION_FILE" || return 0
  grep --quiet -e "--authentication-config=$AUTHENTICATION_FILE" "$API_SERVER_MANIFEST" 2>/dev/null ||
    return 0
  [[ "$(leaf_state apiserver) $(leaf_state admin.conf)" != *@(missing|expired)* ]] || return 0
  await $ISSUERS_SECONDS "the API server to use the configured issuers of tokens" is_authentication_used
}

# is_authentication_used: does the API server report the checksum of this file?
# https://kubernetes.io/docs/reference/instrumentation/metrics/
is_authentication_used() {
  local sum found rejected status=0
  sum=$(sha256sum "$AUTHENTICATION_FILE" | cut -d ' ' -f 1)
  found=$(own_metrics 2>&1 |
    sed -n -e '/^apiserver_authentication_config_controller_last_config_info{/p' -e '/^curl: /p') ||
    status=$?
  # 7: it accepts no connections.
  ((status != 7)) || return 0
  [[ $found != *"hash=\"sha256:$sum\""* ]] || return 0
  rejected=$(last_rejection)
  if [[ $rejected == *'anonymous: Forbidden'* && -z $RESTARTED_FOR_ANONYMOUS ]]; then
    RESTARTED_FOR_ANONYMOUS=yes
    restart_components kube-apiserver
    return 1
  fi
  LAST_ANSWER="the issuers in the config${rejected:+; its log: $rejected}"
  ((!status)) || LAST_ANSWER="the API server of $NODE_NAME: $found"
  sleep 1
  return 1
}

# own_metrics: print the API server's metrics. Of this machine's clients, the administrator alone may read
# them.
own_metrics() {
  local admin=$KUBERNETES/admin.conf
  curl --disable --silent --show-error --fail --max-time 10 --cacert "$KUBERNETES/pki/ca.crt" \
    --cert <(embedded client-certificate-data "$admin") --key <(embedded client-key-data "$admin") \
    "https://$NODE_ADDRESS:$API_PORT/metrics"
}

# last_rejection: print why the API server rejected the file.
last_rejection() {
  grep --no-filename 'failed to .* authentication config' \
    /var/log/pods/kube-system_kube-apiserver-"$NODE_NAME"_*/kube-apiserver/*.log 2>/dev/null |
    tail -n 1 | cut -c -500
}
