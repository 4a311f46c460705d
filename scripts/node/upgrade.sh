#!/usr/bin/env bash
# requires: lib apply certificate_names cgroups changed drift images install leaves permissions staging runtime documents static-pods change
# settings: NODE_ADDRESS KUBERNETES_VERSION IGNORED_CHECKS
# Operations on a member when its cluster's version or settings change, or when it has drifted. The
# rollout calls these functions, serially where that matters; each is idempotent and can be called
# again at any time.
#
# NODE_ADDRESS is the machine's address in its cluster, KUBERNETES_VERSION ("v1.37.2") its version
# after the call.
# Drain a machine before upgrade_*: the kubelet is replaced too, and Kubernetes recommends an empty
# machine for another minor version of it. Pods that fit on no other machine stay and keep running.

CLEANUP_PENDING=$STATE/cleanup-pending

# check_upgrade: kubeadm's preflight checks of the machine and its cluster, before upgrade_first and
# before the Node is cordoned: one of them, CreateJob, runs a Job in the cluster, and no Node must be
# drained for an upgrade that is rejected. Settings: IGNORED_CHECKS, those that cannot pass.
check_upgrade() {
  begin_operation
  resume_change
  require_staged
  say "upgrading from $(recorded_version) to $KUBERNETES_VERSION"
  # shellcheck disable=SC2046
  logged upgrade-preflight "$(wanted_program kubeadm)" upgrade apply phase preflight \
    "$KUBERNETES_VERSION" --yes $(preflight_exceptions) \
    ${IGNORED_CHECKS:+"--ignore-preflight-errors=$IGNORED_CHECKS"}
  say "kubeadm preflight passed"
}

# upgrade_first: `kubeadm upgrade apply` on the first control plane of a cluster to be upgraded, after
# check_upgrade.
upgrade_first() {
  begin_operation
  resume_change
  require_staged
  upgrade_member
  # shellcheck disable=SC2046
  logged upgrade-apply kubeadm upgrade apply "$KUBERNETES_VERSION" --yes \
    --skip-phases preflight,control-plane,kubelet-config,bootstrap-token $(preflight_exceptions)
  end_upgrade
}

# upgrade_control_plane: `kubeadm upgrade node` on every other control plane.
upgrade_control_plane() {
  begin_operation
  resume_change
  require_staged
  # shellcheck disable=SC2046
  logged upgrade-preflight "$(wanted_program kubeadm)" upgrade node phase preflight \
    $(preflight_exceptions)
  upgrade_member
  logged upgrade-node kubeadm upgrade node --kubeconfig "$ADMIN_KUBECONFIG" \
    --skip-phases preflight,control-plane,kubelet-config
  end_upgrade
}

# upgrade_kubelet: programs and the kubelet's configuration, on machines of every role; a no-op on a
# control plane that was upgraded as one.
upgrade_kubelet() {
  begin_operation
  resume_change
  require_staged
  begin_change
  plan_kubelet
  plan_programs
  finish_change
  end_upgrade
}

# upload_configuration: upload the documents to the cluster's ConfigMaps, from one control plane, once
# all machines have them. Settings: CONTROL and KUBELET, the names of the documents.
upload_configuration() {
  lib_begin as-is
  open_run
  upload_documents
  say "machines now join with these documents"
}

# apply_control_plane: apply the static pods and certificate SANs of the ClusterConfiguration; a no-op on a control plane that has them.
apply_control_plane() {
  begin_operation
  resume_change
  update_apiserver_sans
  begin_change
  plan_manifests
  finish_change
  end_operation
}

# apply_kubelet: apply the KubeletConfiguration.
apply_kubelet() {
  begin_operation
  resume_change
  begin_change
  plan_kubelet
  finish_change
  end_operation
}

# repair: undo drift on this machine: replaced programs, edited or deleted files, stopped services.
repair() {
  begin_operation
  forget_replaced
  restore_parts "$ALL_PARTS"
  systemctl enable --quiet containerd kubelet
  start_runtime
  resume_change
  read_notes
  INSTALL_ROOT=$STAGED install_artifacts
  # Images that came with a machine image have no file to be imported from again.
  [[ -f $STATE/installed ]] || import_images
  begin_change
  if is_control_plane; then
    plan_manifests
  fi
  plan_kubelet
  plan_programs
  finish_change
  ! is_control_plane || update_apiserver_sans
  end_operation
}

# forget_replaced: have replaced programs installed again, also those that have kept their size and time.
forget_replaced() {
  local kind path
  look complete
  while IFS=$'\t' read -r kind path _; do
    if [[ $kind == program && -f $path ]]; then touch "$path"; fi
  done < <(((!${#FINDINGS[@]})) || printf '%s\n' "${FINDINGS[@]}")
}

# clean: remove versions that this machine no longer runs: staged files, images, kubeadm's backups.
# Images used by a container stay. For the end of a rollout: a machine may still get a pod of the
# previous version while the cluster's own objects are of that version.
clean() {
  lib_begin as-is
  local folder reference wanted
  [[ $(version_of /usr/local/bin/kubelet) == "$KUBERNETES_VERSION" ]] || {
    say "not cleaning up: the kubelet is still $(version_of /usr/local/bin/kubelet)"
    return
  }
  for folder in "$STATE"/staged/*/; do
    if [[ -d $folder && ${folder%/} != "$STAGED" ]]; then rm -rf "$folder"; fi
  done
  forget_backups
  if [[ -f $STATE/installed ]]; then
    forget_image_files
  fi
  while read -r reference; do
    say "removing image $reference"
    logged images-remove ctr --namespace k8s.io images remove "$reference"
  done < <(unused_images)
  # A list that cannot be read is not an empty one.
  wanted=$(wanted_images)
  release_images <<<"$wanted"
  rm -f "$CLEANUP_PENDING"
}

# upgrade_member: upgrade all versioned parts of this control plane in one change. Like kubeadm, it
# renews the certificates of the components that it upgrades.
upgrade_member() {
  begin_change
  plan_manifests
  plan_kubelet
  plan_programs
  finish_change
  control_plane_documents >"$RUN/init.yaml"
  issue_leaves "$RUN/init.yaml"
}

# end_upgrade: CLEANUP_PENDING records that the machine needs a `clean`, even after a killed run.
end_upgrade() {
  end_operation
  touch "$CLEANUP_PENDING"
  forget_backups
  if [[ -f $STATE/installed ]]; then
    echo "$KUBERNETES_VERSION" >"$STATE/installed"
  fi
  say "upgraded to $KUBERNETES_VERSION"
}

# end_operation: all that changed is in use.
end_operation() {
  restrict_files
  forget_changed
  cp "$KUBELET_FLAGS" "$SAVED_FLAGS"
}

# forget_backups: kubeadm never removes its backups of replaced files, nor those of a killed run.
forget_backups() {
  rm -rf /etc/kubernetes/tmp
}

# wanted_images: print the images of this machine's version.
wanted_images() {
  indexed_images | cut -f 2
  kubeadm config images list --kubernetes-version "$KUBERNETES_VERSION"
}

# unused_images: Kubernetes' own images of versions other than the wanted one that nothing here uses,
# under all names: containerd calls an image by its digests as well, and each name keeps it.
unused_images() {
  local -A used=() wanted=() own=() gone=() kept=()
  local reference digest all
  while read -r reference; do
    used[$reference]=yes
  done < <(ctr --namespace k8s.io containers list 2>/dev/null | awk 'NR > 1 {print $2}')
  while read -r reference; do
    wanted[$reference]=yes
    own[${reference%:*}]=yes
  done < <(kubeadm config images list --kubernetes-version "$KUBERNETES_VERSION")
  all=$(ctr --namespace k8s.io images list 2>/dev/null | awk 'NR > 1 {print $1, $3}')
  while read -r reference digest; do
    if [[ -v used[$reference] || -v wanted[$reference] ]]; then
      kept[$digest]=yes
    elif [[ -v own[${reference%:*}] ]]; then
      gone[$digest]=yes
      echo "$reference"
    elif [[ $reference != *sha256:* ]]; then
      # Others bring images from the same registry.
      kept[$digest]=yes
    fi
  done <<<"$all"
  while read -r reference digest; do
    if [[ $reference == *sha256:* && -v gone[$digest] && ! -v kept[$digest] ]]; then
      echo "$reference"
    fi
  done <<<"$all"
}

# update_apiserver_sans: reissue the API server's certificate with the configured SANs. The API server
# reloads it by itself.
update_apiserver_sans() {
  control_plane_documents >"$RUN/init.yaml"
  open_scratch "$RUN/init.yaml"
  make_leaf apiserver
  [[ $(names_in "$SCRATCH/pki/apiserver.crt") != "$(names_in "$APISERVER_CERTIFICATE")" ]] || return 0
  install_leaf apiserver
  await 120 "the API server to show its new certificate" shows_certificate
  say "API server certificate updated: $(names_in "$APISERVER_CERTIFICATE")"
}

shows_certificate() {
  local shown wanted
  shown=$(openssl s_client -connect "$NODE_ADDRESS:$API_PORT" </dev/null 2>/dev/null |
    openssl x509 -noout -fingerprint -sha256 2>/dev/null) || true
  wanted=$(openssl x509 -noout -fingerprint -sha256 -in "$APISERVER_CERTIFICATE")
  LAST_ANSWER="the serving certificate of $NODE_ADDRESS:$API_PORT ($shown)"
  [[ $shown == "$wanted" ]]
}
