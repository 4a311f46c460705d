#!/usr/bin/env bash
# requires: lib crashes static-pods
# settings: KUBERNETES_VERSION
# The kubelet and the static pods of this machine, started with the files of a pending change.
# Only functions.
# In stop order; etcd last, since the API server writes to it until it has stopped.
COMPONENTS=(kube-scheduler kube-controller-manager kube-apiserver etcd)
KUBELET_CONFIG=/var/lib/kubelet/config.yaml
KUBELET_FLAGS=/var/lib/kubelet/kubeadm-flags.env
KUBELET_SECONDS=120

put_files() {
  put_file config "$KUBELET_CONFIG" 0600
  put_file flags "$KUBELET_FLAGS" 0600
}

put_file() { # NAME PATH MODE
  [[ -f $PENDING_CHANGE/new/$1 ]] || return 0
  install -m "$3" "$PENDING_CHANGE/new/$1" "$2.new"
  mv "$2.new" "$2"
}

# start_all NAME...: start the kubelet with these components, and wait until all are healthy. The
# controller manager and the scheduler exit without an API server, so they are started after it.
start_all() {
  local name
  put_manifests etcd kube-apiserver
  systemctl reset-failed kubelet 2>/dev/null || true
  systemctl start kubelet
  await "$KUBELET_SECONDS" "the kubelet to run as $KUBERNETES_VERSION" \
    unless_crashing service kubelet kubelet_answers
  say "the kubelet is healthy"
  (($#)) || return 0
  for name in etcd kube-apiserver; do
    await "$HEALTHY_SECONDS" "$name to answer" unless_crashing pod "$name" is_healthy "$name"
  done
  await "$HEALTHY_SECONDS" "this machine's API server to be ready" api_is_ready
  say "the API server is ready"
  put_manifests kube-controller-manager kube-scheduler
  for name in "$@"; do
    await "$HEALTHY_SECONDS" "$name to answer" unless_crashing pod "$name" is_healthy "$name"
  done
  await "$HEALTHY_SECONDS" "the API to report the new pods as ready" are_reported "$@"
  say "healthy: $*"
}

put_manifests() {
  local name
  mkdir -p "$MANIFESTS"
  for name in "$@"; do
    [[ -f $PENDING_CHANGE/new/$name.yaml ]] || continue
    # The kubelet ignores files whose names begin with a dot.
    install -m 0600 "$PENDING_CHANGE/new/$name.yaml" "$MANIFESTS/.$name.new"
    mv "$MANIFESTS/.$name.new" "$MANIFESTS/$name.yaml"
  done
}

kubelet_answers() {
  local address port said pid found
  address=$(awk '$1 == "healthzBindAddress:" {print $2}' "$KUBELET_CONFIG")
  port=$(awk '$1 == "healthzPort:" {print $2}' "$KUBELET_CONFIG")
  pid=$(systemctl show --property MainPID --value kubelet)
  LAST_ANSWER="the kubelet: $(systemctl is-active kubelet); 'journalctl -u kubelet' on the machine"
  if [[ ${port:-10248} != 0 ]]; then
    said=$(curl --disable --silent --max-time 2 "http://${address:-127.0.0.1}:${port:-10248}/healthz") || return 1
    [[ $said == ok ]] || return 1
  fi
  [[ $pid != 0 && /proc/$pid/exe -ef /usr/local/bin/kubelet ]]
}

# persist_changed: write the files that a change replaces, and their folders, to the disk.
persist_changed() {
  local path paths=("$STATE")
  for path in "$MANIFESTS"/*.yaml "$KUBELET_CONFIG" "$KUBELET_FLAGS" $(cat "$PENDING_CHANGE/programs" 2>/dev/null); do
    [[ ! -e $path ]] || paths+=("$path" "${path%/*}")
  done
  sync "${paths[@]}"
}
