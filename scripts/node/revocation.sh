#!/usr/bin/env bash
# requires: lib static-pods
# settings: NODE_NAME MACHINE_ID NODE_ADDRESS AUTHORITY
# Ending one person's access to this machine's API server. Only functions.
# An API server reads the file again within a minute.
READ_SECONDS=90
RESTART_SECONDS=180

# revoke_client: remove the CA AUTHORITY from the CAs of the API server's clients; return when the API
# server no longer accepts it, and print "removed" and the seconds that it took, or "absent" if it was not there.
revoke_client() {
  local before=absent
  lib_begin
  if [[ ! -s $CLIENT_CA_FILE ]]; then
    echo absent
    return
  fi
  ! has_authority || before=removed
  remove_authority
  await $READ_SECONDS "the API server to read $CLIENT_CA_FILE" refuses_authority
  echo "$before $(seconds_since "$LIB_STARTED")"
}

# restart_api_server: stop this machine's API server, which ends all streams of its clients, and return
# when the one that the kubelet starts in its place is ready.
restart_api_server() {
  local id
  lib_begin
  await_replacement
  mapfile -t STOPPED < <(containers_of kube-apiserver)
  for id in "${STOPPED[@]}"; do
    ctr --namespace k8s.io tasks kill --signal SIGTERM "$id" 2>/dev/null || true
  done
  await $RESTART_SECONDS "the API server to stop" has_stopped
  await "$HEALTHY_SECONDS" "the API server to start again" api_is_ready
  say "API server restarted"
}

# remove_authority: write the file without the CA, as the program would. The cluster's own is the first,
# which stays.
remove_authority() {
  local text
  has_authority || return 0
  text=$(<"$CLIENT_CA_FILE")
  secret_file "$CLIENT_CA_FILE" "${text/$'\n'"$AUTHORITY"/}"
  persist "${CLIENT_CA_FILE%/*}"
}

has_authority() {
  [[ $(<"$CLIENT_CA_FILE") == *$'\n'"$AUTHORITY"* ]]
}

# refuses_authority: does this machine's API server no longer accept certificates of the CA? In a handshake it
# names the CAs whose certificates it accepts. One that does not run will start with the changed file.
refuses_authority() {
  local name named
  name=$(openssl x509 -noout -subject -nameopt RFC2253 <<<"$AUTHORITY")
  LAST_ANSWER="the CAs that $NODE_ADDRESS:$API_PORT names in a handshake ('fleet revoke --cut' restarts it)"
  named=$(openssl s_client -connect "$NODE_ADDRESS:$API_PORT" -nameopt RFC2253 </dev/null 2>/dev/null) ||
    return 0
  ! grep --quiet --fixed-strings --line-regexp "${name#subject=}" <<<"$named"
}

has_stopped() {
  local id running
  running=" $(containers_of kube-apiserver | tr '\n' ' ')"
  LAST_ANSWER="'ctr --namespace k8s.io tasks list' on the machine"
  for id in "${STOPPED[@]}"; do
    [[ $running != *" $id "* ]] || return 1
  done
}
