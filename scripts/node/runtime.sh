#!/usr/bin/env bash
# requires: lib changed images managed proxy staging
# settings: KUBERNETES_VERSION ROLE
# The container runtime: service, CRI plugin and images. Only functions.
MIRROR_FOLDERS=/etc/containerd/certs.d

is_runtime_changed() {
  is_changed /etc/systemd/system/containerd.service || is_changed /etc/containerd/config.toml ||
    is_changed /usr/local/bin/containerd
}

# start_runtime: start the container runtime with its CRI plugin. containerd keeps running without the
# plugin if that could not be loaded.
start_runtime() {
  systemctl is-active --quiet containerd || systemctl start containerd
  if [[ $(cri_status) == error ]]; then
    systemctl restart containerd
  fi
  await 60 "containerd to answer" runtime_answers
}

runtime_answers() {
  local status
  LAST_ANSWER="'journalctl -u containerd' on the machine"
  status=$(cri_status)
  [[ $status != error ]] || die "containerd failed to load its CRI plugin: $(cri_error)" \
    "fix this and run 'fleet up' again: it restarts containerd"
  [[ $status == ok ]]
}

cri_status() {
  ctr --connect-timeout 1s plugins list 2>/dev/null | awk '$2 == "cri" {print $NF}'
}

cri_error() {
  ctr plugins list --detailed id==cri 2>/dev/null | awk '/Message:/ {sub(/.*Message: */, ""); print}'
}

# pull_images: if no images were sent, pull and pin the role's images of the desired version before
# the machine is drained, in parallel and through the mirrors.
pull_images() {
  local -A have=()
  local reference missing=() running=() failed=() index
  ! has_artifacts image || return 0
  while read -r reference; do
    have[$reference]=yes
  done < <(ctr_images list --quiet 2>"$LOGS/images.log")
  while read -r reference; do
    if is_of_role "$reference" && [[ ! -v have[$reference] ]]; then missing+=("$reference"); fi
  done < <("$(wanted_program kubeadm)" config images list --kubernetes-version "$KUBERNETES_VERSION")
  ((${#missing[@]})) || return 0
  say "pulling $(counted ${#missing[@]} image)"
  for reference in "${missing[@]}"; do
    record_image "$reference" pulled
    proxied ctr_images pull --hosts-dir "$MIRROR_FOLDERS" --label "$PINNED_LABEL=pinned" "$reference" \
      >"$LOGS/pull-${reference//\//_}.log" 2>&1 </dev/null &
    running+=($!)
  done
  for index in "${!running[@]}"; do
    wait "${running[index]}" && continue
    failed+=("${missing[index]}")
    echo "${missing[index]}: $(tail -n 1 "$LOGS/pull-${missing[index]//\//_}.log")" >&2
  done
  ((${#failed[@]} == 0)) || die "image pulls failed (details above): ${failed[*]}" \
    "fix the network, artifacts.mirror or proxy, and run 'fleet up' again; running workloads are unaffected"
}

is_of_role() { # IMAGE
  [[ $ROLE == control-plane || ! $1 =~ /(etcd|kube-apiserver|kube-controller-manager|kube-scheduler): ]]
}
