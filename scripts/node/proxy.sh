#!/usr/bin/env bash
# requires: lib configure
# settings: PROXY REGISTRY_MIRRORS
# The proxy and registry mirrors of this machine. The prepare step gets them as settings (PROXY,
# REGISTRY_MIRRORS; model/outbound.py) and records them for later repairs.
EGRESS_NOTES=$STATE/egress
PROXY_UNIT=/etc/systemd/system/containerd.service.d/50-kubeadm-fleet-proxy.conf
MIRROR_FOLDERS=/etc/containerd/certs.d
MIRROR_MARK='# Written by kubeadm-fleet from'

# note_egress: record this step's settings; they apply to all later steps.
note_egress() {
  mkdir -p "$EGRESS_NOTES"
  printf '%s' "${PROXY:-}" >"$EGRESS_NOTES/proxy"
  printf '%s' "${REGISTRY_MIRRORS:-}" >"$EGRESS_NOTES/mirrors"
}

# proxied COMMAND...: run a command with the proxy in its environment.
proxied() {
  local environment=()
  [[ ! -s $EGRESS_NOTES/proxy ]] || mapfile -t environment <"$EGRESS_NOTES/proxy"
  if ((${#environment[@]})); then
    local -x "${environment[@]}"
  fi
  "$@"
}

# configure_egress: configure the container runtime's proxy and mirrors.
configure_egress() {
  configure_proxy
  configure_mirrors
}

# configure_proxy: containerd reads its environment at its start; running containers are unaffected.
configure_proxy() {
  if [[ -s $EGRESS_NOTES/proxy ]]; then
    write_managed_file $PROXY_UNIT < <(
      echo '[Service]'
      sed 's/%/%%/g; s/.*/Environment="&"/' "$EGRESS_NOTES/proxy"
    )
  elif [[ -f $PROXY_UNIT ]]; then
    changed $PROXY_UNIT
    rm -f $PROXY_UNIT
    rmdir --ignore-fail-on-non-empty ${PROXY_UNIT%/*}
  fi
  is_changed $PROXY_UNIT || return 0
  record_applied_file $PROXY_UNIT
  systemctl daemon-reload
  systemctl try-restart containerd
}

# configure_mirrors: configure mirrors of registries. containerd reads the files on every pull.
# artifacts.mirror replaces upstream without fallback; registryMirrors fall back to the registry.
# https://github.com/containerd/containerd/blob/main/docs/hosts.md
configure_mirrors() {
  local registry base file
  local -A mirrored=()
  if [[ -s $ARTIFACTS/mirrors ]]; then
    while IFS=$'\t' read -r registry base; do
      file=$MIRROR_FOLDERS/$registry/hosts.toml
      mirrored[$file]=yes
      write_managed_file "$file" <<TOML
$MIRROR_MARK artifacts.mirror.
server = "${base%/}/v2"
capabilities = ["pull", "resolve"]
override_path = true
TOML
    done <"$ARTIFACTS/mirrors"
  fi
  if [[ -s $EGRESS_NOTES/mirrors ]]; then
    while IFS=$'\t' read -r registry base; do
      file=$MIRROR_FOLDERS/$registry/hosts.toml
      mirrored[$file]=yes
      write_managed_file "$file" <<TOML
$MIRROR_MARK registryMirrors.
[host."$base"]
capabilities = ["pull", "resolve"]
TOML
    done <"$EGRESS_NOTES/mirrors"
  fi
  for file in "$MIRROR_FOLDERS"/*/hosts.toml; do
    if [[ -f $file && ! -v mirrored[$file] && $(head -n 1 "$file") == "$MIRROR_MARK"* ]]; then
      rm -f "$file"
      rmdir --ignore-fail-on-non-empty "${file%/*}"
    fi
  done
}
