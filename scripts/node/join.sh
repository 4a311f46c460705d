#!/usr/bin/env bash
# requires: lib cgroups crashes joined original_state permissions timers serving
# settings: CA_CERTIFICATE MEMBERSHIP ENDPOINT JOIN_CREDENTIAL JOIN_DOCUMENTS
# Joining a cluster: the common part of workers and control planes.

# answers URL EXPECTED [CURL OPTIONS...]: does the cluster respond with one of the EXPECTED status
# codes? TLS is verified against the cluster's CA.
answers() {
  local url=$1 expected=$2 code
  shift 2
  code=$(curl --disable --silent --show-error --output /dev/null --write-out '%{http_code}' \
    --connect-timeout 1 --max-time 3 --cacert "$RUN/ca.crt" "$@" "$url" 2>"$RUN/answer") || true
  LAST_ANSWER="$url: status $code $(head -n 1 "$RUN/answer")"
  [[ " $expected " == *" $code "* ]]
}

# begin_membership: the prologue of every step that joins or initializes a cluster.
begin_membership() {
  lib_begin
  open_run
  printf '%s\n' "$CA_CERTIFICATE" >"$RUN/ca.crt"
}

# has_partial_join: has kubeadm begun to join this machine? The other kubeconfigs precede that.
has_partial_join() {
  compgen -G '/etc/kubernetes/*kubelet.conf' >/dev/null || compgen -G '/etc/kubernetes/manifests/*' >/dev/null
}

# reset_partial_join: clean up an interrupted join. The cluster must respond by then: its records of
# the attempt, such as an etcd member, are removed there. On a worker, etcd's data is not ours.
reset_partial_join() {
  local without=()
  has_partial_join || return 0
  say "cleaning up an interrupted join"
  [[ -f $INIT_CONFIGURATION ]] || without=(--skip-phases remove-etcd-member)
  logged reset kubeadm reset --force --cleanup-tmp-dir "${without[@]}"
  clear_folder /etc/kubernetes
  [[ ! -f $INIT_CONFIGURATION ]] || rm -rf /var/lib/etcd/member
  rm -f "$STATE/member"
}

# name_ca_file: have the kubelet's kubeconfig name the CA's file, which it reads at its next start, instead
# of a copy.
name_ca_file() {
  local config=/etc/kubernetes/kubelet.conf
  (umask 077 && sed 's|certificate-authority-data: .*|certificate-authority: /etc/kubernetes/pki/ca.crt|' \
    $config >$config.new)
  mv $config.new $config
}

# record_membership: record that this machine has joined, so that the step is not repeated, and the
# kubelet's flags, for repairs. What the join wrote is on the disk before. From now on the machine renews
# its certificates.
record_membership() {
  restrict_files
  cp /var/lib/kubelet/kubeadm-flags.env "$STATE/kubelet-flags.env"
  printf '%s\n' "$MEMBERSHIP" >"$STATE/member.new"
  # shellcheck disable=SC2046
  persist "$STATE/kubelet-flags.env" "$STATE/member.new" /etc/kubernetes $(compgen -G '/var/lib/kubelet/*.*') \
    $(compgen -G '/var/lib/kubelet/pki')
  mv "$STATE/member.new" "$STATE/member"
  sync "$STATE"
  start_timers
}

# discovery_file: print how kubeadm reaches the cluster; it embeds the files that are named.
discovery_file() {
  local files=/run/kubeadm-fleet-join
  cat <<END
apiVersion: v1
kind: Config
current-context: join
clusters:
- name: kubernetes
  cluster: {server: "https://$ENDPOINT", certificate-authority: $files/ca.crt}
contexts:
- name: join
  context: {cluster: kubernetes, user: join}
users:
- name: join
  user: {client-certificate: $files/client.pem, client-key: $files/client.pem}
END
}

# prepare_join: write the machine's own short-lived credential, its documents, and what its kubelet serves
# with.
prepare_join() {
  install_serving_pair
  printf '%s\n' "$JOIN_CREDENTIAL" >"$RUN/client.pem"
  discovery_file >"$RUN/join.conf"
  printf '%s\n' "$JOIN_DOCUMENTS" >"$RUN/join.yaml"
  # The documents name this path; it is removed at the end of the step.
  ln -sfn "$RUN" /run/kubeadm-fleet-join
}

# join: join with what prepare_join wrote, and record the cluster's documents.
join() {
  mkdir -p /etc/kubernetes
  read_documents "$RUN/join.conf" "$RUN/before"
  # shellcheck disable=SC2046
  logged_beside_kubelet join kubeadm join --config "$RUN/join.yaml" $(preflight_exceptions)
  name_ca_file
  read_documents "$RUN/join.conf" "$RUN/after"
  record_joined "$(name_of kubeadm-config "$RUN/before" "$RUN/after")" \
    "$(own_name "$(name_of kubelet-config "$RUN/before" "$RUN/after")")"
  rm -f /run/kubeadm-fleet-join
}
