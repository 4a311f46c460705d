#!/usr/bin/env bash
# requires: join etcd_data leaves pki
# settings: NODE_ADDRESS ENDPOINT_DEADLINE
# Join this machine to the cluster at ENDPOINT as a control plane, and return when the next one may
# join: etcd accepts one new member at a time. Idempotent.
MEMBER_SECONDS=120

# is_settled: has every etcd member started, is each a voter, and are this machine's etcd and API
# server ready? etcd responds only with quorum.
# https://etcd.io/docs/v3.6/learning/design-learner/
is_settled() {
  local members
  members=$(etcd_answers /v3/cluster/member/list '{"linearizable": true}') || return
  LAST_ANSWER="'journalctl -u kubelet' on the machine, and the etcd members: $members"
  [[ $(count '"ID":' <<<"$members") == $(count '"name":"[^"]' <<<"$members") ]] || return
  [[ $members != *'"isLearner":true'* ]] || return
  members=$(etcd_answers /health) || return
  LAST_ANSWER="etcd's health: $members"
  [[ $members == *'"health":"true"'* ]] || return
  answers "https://$NODE_ADDRESS:$API_PORT/readyz" 200
}

# etcd_answers PATH [BODY]: print the response of this machine's etcd, through its JSON gateway.
# https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/
etcd_answers() {
  local pki=/etc/kubernetes/pki/etcd
  LAST_ANSWER="'journalctl -u kubelet' and /var/log/pods on the machine: etcd does not respond"
  curl --disable --silent --fail --max-time 3 --cacert $pki/ca.crt --cert $pki/healthcheck-client.crt \
    --key $pki/healthcheck-client.key ${2:+--data "$2"} "https://127.0.0.1:2379$1" 2>/dev/null
}

count() { # PATTERN: how often it is in standard input
  grep --only-matching -- "$1" | wc -l
}

# prepare_leaves: issue this machine's certificates from the cluster's documents, before its components
# start.
prepare_leaves() {
  document "$RUN/join.conf" kubeadm-config '{.data.ClusterConfiguration}' >"$RUN/cluster.yaml" ||
    die "the cluster's kubeadm-config cannot be read" "fix its endpoint and run 'fleet up' again"
  { cat "$INIT_CONFIGURATION"; printf -- '---\n'; cat "$RUN/cluster.yaml"; } >"$RUN/init.yaml"
  issue_leaves "$RUN/init.yaml"
}

# use_own_images: have kubeadm start this machine's own patch version while the cluster is still of
# another one: where no registry can be reached, there are no other images. The rollout brings the other
# control planes to that version.
use_own_images() {
  local own recorded image name
  own=$(kubeadm version --output short)
  recorded=$(awk '$1 == "kubernetesVersion:" {print $2}' "$RUN/cluster.yaml")
  [[ $recorded != "$own" ]] || return 0
  say "the cluster is at $recorded: joining with the images of $own"
  logged pull kubeadm config images pull --kubernetes-version "$own"
  cp -r "$PATCHES" "$RUN/patches"
  while read -r image; do
    name=${image##*/}
    name=${name%%:*}
    # The other images are no static pods: kubeadm does not know these targets.
    if grep -q "^$name+" <(ls "$PATCHES"); then
      printf 'spec: {containers: [{name: %s, image: "%s"}]}\n' "$name" "$image" \
        >"$RUN/patches/${name}1+strategic.yaml"
    fi
  done < <(kubeadm config images list --kubernetes-version "$own")
  sed -i -e "s|directory: $PATCHES\$|directory: $RUN/patches|" \
    -e 's|imagePullPolicy: .*|imagePullPolicy: Never|' "$RUN/join.yaml"
}

step_control_plane() {
  begin_membership
  if is_member; then
    say "already a member"
  else
    say "waiting for https://$ENDPOINT"
    PAUSE=0.3 await "$ENDPOINT_DEADLINE" "https://$ENDPOINT/readyz" answers "https://$ENDPOINT/readyz" 200
    reset_partial_join
    install_pki
    own_etcd_data
    prepare_join
    prepare_leaves
    use_own_images
    say "joining"
    join
    record_membership
  fi
  await "$MEMBER_SECONDS" "etcd and the API server to be ready" is_settled
  say "control plane ready"
}
