#!/usr/bin/env bash
# requires: lib digest drift joined node_facts pod-network
# settings: KUBERNETES_VERSION CONTROL KUBELET RECORDED
# The applied state of a member: version, settings, and checksums of its files. Later inspections
# detect drift against it. Only functions.

# inspect: print this machine's facts and applied state as lines of KEY<TAB>VALUE; and as drift:NAME what
# differs besides files and the states of services, which are compared with the applied state.
inspect() {
  identify
  [[ ! -f $APPLIED_STATE ]] || sed 's/^/applied:/' "$APPLIED_STATE"
  [[ ! -f $STATE/member ]] || other_drift
  node_facts
}

other_drift() {
  local kind name what
  look quick
  while IFS=$'\t' read -r kind name what; do
    case $kind in
      program | sysctl | module | boot) fact "drift:$name" "$what" ;;
    esac
  done < <(((!${#FINDINGS[@]})) || printf '%s\n' "${FINDINGS[@]}" | sort)
}

# record_applied: record the current state as applied. Settings: KUBERNETES_VERSION, CONTROL and
# KUBELET, which identify the settings of its control plane and its kubelet.
record_applied() {
  identify
  {
    fact version "$KUBERNETES_VERSION"
    fact control "$CONTROL"
    fact kubelet "$KUBELET"
    fact recorded "$RECORDED"
    watched_facts | grep -E '^(file|service):'
    secret_files
  } >"$APPLIED_STATE.new"
  mv "$APPLIED_STATE.new" "$APPLIED_STATE"
  rm -f "$REGISTERING"
}

# record_initial: record the applied state of a new member, if there is none yet: the documents with
# which it joined, and the version that it has.
record_initial() {
  [[ -f $APPLIED_STATE ]] || ! is_member ||
    KUBERNETES_VERSION=$(kubelet_version) CONTROL=${CONTROL:+$(joined 1)} KUBELET=$(joined 2) \
      record_applied
}

# register: have the kubelet register its Node, which it does only at its start. A Node that registers
# again gets another pod CIDR. Until the machine is recorded as applied, the marker file shows that
# its old pods, flannel's among them, are still to be replaced.
register() {
  identify
  touch "$REGISTERING" &&
    systemctl stop kubelet &&
    forget_pod_network &&
    systemctl start kubelet
}

# secret_files: print the checksums of files whose changes the machine reports, but not their digests.
secret_files() {
  local path
  for path in "$API_SERVER_SECRETS_FOLDER"/* "$KUBELET_KUBECONFIG" "$CLUSTER_CA"; do
    [[ ! -f $path ]] || fact "secret:$path" "$(digest "$path")"
  done
}
