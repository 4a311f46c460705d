#!/usr/bin/env bash
# requires: lib apply changed credentials install managed packages runtime staging vip
# settings: NODE_ADDRESS KUBERNETES_VERSION MIRROR_CREDENTIALS
# Prepare this machine for kubeadm: install the role's artifacts, write the files of the table among
# them, start the container runtime. A machine image has the artifacts already (STATE/installed names
# the version); an enrolled host gets them now. On a member nothing that runs is changed, which is up
# to the rollout: another version is staged. Idempotent.
HOST_PACKAGES=(procps runc conntrack iptables nftables socat ethtool ipset curl openssl)

ensure_host_entry() {
  local line="$NODE_ADDRESS $NODE_NAME" mark='# kubeadm-fleet' others
  grep -qE "^${line//./\\.}( $mark)?\$" /etc/hosts && return
  # In place: in a container /etc/hosts may be a mount, which cannot be replaced.
  others=$(grep -v "$mark\$" /etc/hosts; echo .) || true
  printf '%s%s %s\n' "${others%.}" "$line" "$mark" >/etc/hosts
}

is_installed() {
  [[ -f $STATE/installed && $(<"$STATE/installed") == "$KUBERNETES_VERSION" ]]
}

prepare_packages() {
  install_packages "${HOST_PACKAGES[@]}"
  ! has_vip || install_load_balancer
}

# prepare_host: prepare a machine that is not a member.
prepare_host() {
  local parts=$ALL_PARTS
  if ! is_installed; then
    prepare_packages
    install_artifacts
  fi
  if has_vip; then
    claim_vip
    # Members that do not know this machine yet would not tell it that one of them has the address. In
    # an existing cluster the rollout starts the load balancer, once they know it.
    ! endpoint_exists || parts=${parts/ load-balancer/}
  fi
  store_credentials "${MIRROR_CREDENTIALS:-}"
  apply_parts "$(<"$DESIRED")" "$parts"
  start_runtime
  is_installed || import_images
}

# find_table: find the desired table of files, which has the proxy for all of this step.
find_table() {
  local sum
  sum=$(awk -F '\t' '$2 == "files" && $3 == "managed" {print $1}' "$ARTIFACTS/index" 2>/dev/null) || true
  [[ -n $sum ]] || die "the table of this machine's files was not sent" \
    "run 'fleet refresh' and 'fleet up' to send it again"
  verify "$sum"
  DESIRED=$ARTIFACTS/$sum
  PROXY_TABLE=$DESIRED
}

# stage_version: stage another version on a member without touching its running one; a node operation
# installs it later.
stage_version() {
  prepare_packages
  INSTALL_ROOT=$STAGED install_artifacts
  start_runtime
  import_images
  pull_images
}

step_prepare() {
  lib_begin
  recall_changed
  ensure_host_entry
  find_table
  if ! is_member; then
    prepare_host
  elif ! is_installed; then
    stage_version
  fi
  forget_changed
  say "ready for kubeadm"
}
