#!/usr/bin/env bash
# requires: lib cgroups
# settings: CA_CERTIFICATE MEMBERSHIP JOIN_CREDENTIAL JOIN_DOCUMENTS
# How a machine becomes a member of its cluster: what workers and control planes do alike.

# answers URL EXPECTED [CURL OPTIONS...]: does the cluster answer there with one of the EXPECTED
# status codes? TLS is checked against the cluster's own CA, so an answer is ours.
answers() {
  local url=$1 expected=$2 code
  shift 2
  code=$(curl --silent --output /dev/null --write-out '%{http_code}' \
    --connect-timeout 1 --max-time 3 --cacert "$RUN/ca.crt" "$@" "$url" 2>"$RUN/answer") || true
  LAST_ANSWER="$url: status $code $(tr '\n' ' ' <"$RUN/answer")"
  [[ " $expected " == *" $code "* ]]
}

# begin_membership: the beginning of every step that makes this machine a member.
begin_membership() {
  lib_begin
  open_run
  printf '%s\n' "$CA_CERTIFICATE" >"$RUN/ca.crt"
}

has_partial_join() {
  compgen -G '/etc/kubernetes/*.conf' >/dev/null || compgen -G '/etc/kubernetes/manifests/*' >/dev/null
}

# reset_partial_join: have a machine without the remains of a join that was cut off. The cluster must
# answer by then: what it knows of that attempt, such as a member of etcd, is taken back there.
reset_partial_join() {
  has_partial_join || return 0
  say "cleaning up an interrupted join"
  logged reset kubeadm reset --force --cleanup-tmp-dir
  rm -rf /etc/kubernetes /var/lib/etcd "$STATE/member"
}

# record_membership: note that this machine is a member, so that the step is never done twice, and what
# it was made from, for the day when something is to be repaired and no API answers.
record_membership() {
  local documents=$STATE/documents
  mkdir -p "$documents"
  cp /var/lib/kubelet/config.yaml "$documents/kubelet.yaml"
  cp /var/lib/kubelet/kubeadm-flags.env "$documents/flags.env"
  if [[ -s /etc/kubernetes/admin.conf ]]; then
    kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir "$RUN/kubectl" \
      --namespace kube-system get configmap kubeadm-config \
      --output 'jsonpath={.data.ClusterConfiguration}' >"$documents/cluster.yaml"
  fi
  printf '%s\n' "$MEMBERSHIP" >"$STATE/member.new"
  mv "$STATE/member.new" "$STATE/member"
}

# join: join with the machine's own short-lived credential.
join() {
  printf '%s\n' "$JOIN_CREDENTIAL" >"$RUN/join.conf"
  printf '%s\n' "$JOIN_DOCUMENTS" >"$RUN/join.yaml"
  mkdir -p /etc/kubernetes
  # kubeadm's documents name this path; it is gone when the step ends.
  ln -sfn "$RUN/join.conf" /run/kubeadm-fleet-join.conf
  # shellcheck disable=SC2046
  logged join kubeadm join --config "$RUN/join.yaml" $(preflight_exceptions)
  rm -f /run/kubeadm-fleet-join.conf
}
