#!/usr/bin/env bash
# requires: lib balancer crashes staging documents
# settings: NODE_ADDRESS
# This machine's control plane: its desired manifests, and its health.
# Only functions.
MANIFESTS=/etc/kubernetes/manifests
END_SECONDS=30
# shellcheck disable=SC2034
HEALTHY_SECONDS=300

# render FOLDER: write the manifests that the desired version's kubeadm renders from the documents. In
# a dry run, kubeadm writes them to the folder of an environment variable.
render() {
  local kubeadm
  kubeadm=$(wanted_program kubeadm)
  mkdir -p "$1"
  control_plane_documents >"$RUN/init.yaml"
  KUBEADM_INIT_DRYRUN_DIR=$1 logged render-control-plane \
    "$kubeadm" init phase control-plane all --dry-run --config "$RUN/init.yaml"
  KUBEADM_INIT_DRYRUN_DIR=$1 logged render-etcd \
    "$kubeadm" init phase etcd local --dry-run --config "$RUN/init.yaml"
  keep_initial_cluster "$MANIFESTS/etcd.yaml" "$1/etcd.yaml"
  chmod 0600 "$1"/*.yaml
}

# keep_initial_cluster OLD NEW: keep etcd's initial-cluster flags, which have no effect on a member
# with data; a changed list would restart it needlessly.
keep_initial_cluster() {
  [[ -s $1 ]] || return 0
  awk '
    NR == FNR { if (/--initial-cluster(-state)?=/) kept = kept $0 "\n"; next }
    /--initial-cluster-state=/ { next }
    /--initial-cluster=/ && kept { printf "%s", kept; next }
    { print }' "$1" "$2" >"$2.kept"
  mv "$2.kept" "$2"
}

# containers_of COMPONENT: print the ids of its running containers on this machine.
containers_of() {
  local filter id
  filter="labels.\"io.kubernetes.pod.namespace\"==kube-system"
  filter+=",labels.\"io.kubernetes.pod.name\"==$1-$NODE_NAME"
  filter+=",labels.\"io.kubernetes.container.name\"==$1"
  local -A alive=()
  while read -r id _ _; do
    alive[$id]=yes
  done < <(ctr --namespace k8s.io tasks list 2>/dev/null | awk '$3 == "RUNNING"')
  while read -r id; do
    if [[ -v alive[$id] ]]; then echo "$id"; fi
  done < <(ctr --namespace k8s.io containers list --quiet "$filter" 2>/dev/null)
}

# end_components NAME...: stop their containers, in order and as gracefully as the kubelet, which must
# not be running: it would restart them.
end_components() {
  local name id
  # scripts/node/crashes.sh does not count what ends here.
  touch "$STATE/components-ended"
  [[ " $* " != *" kube-apiserver "* ]] || await_replacement
  for name in "$@"; do
    for id in $(containers_of "$name"); do
      ctr --namespace k8s.io tasks kill --signal SIGTERM "$id" 2>/dev/null || true
    done
    # The API server still writes to etcd while it stops; the others stop in parallel.
    if [[ $name == kube-apiserver || $name == etcd ]]; then
      await_end "$name"
    fi
  done
  for name in "$@"; do
    await_end "$name"
  done
}

await_end() {
  local began=$SECONDS id
  while [[ -n $(containers_of "$1") ]]; do
    if ((SECONDS - began >= END_SECONDS)); then
      say "$1 did not stop within $END_SECONDS s; sending SIGKILL"
      for id in $(containers_of "$1"); do
        ctr --namespace k8s.io tasks kill --signal SIGKILL "$id" 2>/dev/null || true
      done
      began=$SECONDS
    fi
    sleep 0.05
  done
}

# probe_of MANIFEST: print the URL of the manifest's startup probe.
probe_of() {
  awk '
    /startupProbe:/ { inside = 1; next }
    inside && /host:/ { host = $2 }
    inside && /path:/ { path = $2 }
    inside && /port:/ { port = $2 }
    inside && /scheme:/ { scheme = tolower($2); exit }
    /containerPort:/ { number = $NF }
    END {
      if (port !~ /^[0-9]+$/) port = number
      print scheme "://" host ":" port path
    }' "$1"
}

# is_healthy COMPONENT: does its startup probe succeed?
is_healthy() {
  local url said
  url=$(probe_of "$MANIFESTS/$1.yaml")
  said=$(curl --disable --silent --show-error --insecure --max-time 2 --output /dev/null \
    --write-out '%{http_code}' "$url" 2>&1) || true
  LAST_ANSWER="$1 on $NODE_NAME ($url: $said; 'journalctl -u kubelet' and /var/log/pods on the machine)"
  [[ $said == 200 ]]
}

# api_is_ready: is this machine's API server ready, verified with the cluster's CA?
api_is_ready() {
  local said
  said=$(curl --disable --silent --show-error --max-time 3 --cacert /etc/kubernetes/pki/ca.crt \
    "https://$NODE_ADDRESS:$API_PORT/readyz?verbose" 2>&1) || true
  LAST_ANSWER="/readyz of $NODE_ADDRESS: $(grep -v '^\[+\]' <<<"$said" | tr '\n' ' ')"
  [[ $said == *"readyz check passed"* ]]
}

# are_reported COMPONENT...: does the API report the currently running pods as ready?
are_reported() {
  local name known uid
  known=$(local_api --namespace kube-system get pods --selector tier=control-plane \
    --field-selector "spec.nodeName=$NODE_NAME" --output \
    'jsonpath={range .items[*]}{.metadata.labels.component} {.metadata.annotations.kubernetes\.io/config\.hash} {.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}' \
    2>"$RUN/api.log") || true
  LAST_ANSWER="'kubectl -n kube-system get pods' ($known $(tail -n 1 "$RUN/api.log"))"
  for name in "$@"; do
    uid=$(uid_of "$name")
    [[ -n $uid ]] && grep -q "^$name $uid True$" <<<"$known" || return 1
  done
}

# uid_of COMPONENT: print the UID of the currently running pod.
uid_of() {
  local id
  id=$(containers_of "$1" | tail -n 1)
  [[ -n $id ]] || return 0
  ctr --namespace k8s.io containers info "$id" 2>/dev/null |
    awk -F '"' '$2 == "io.kubernetes.pod.uid" {print $4; exit}'
}
