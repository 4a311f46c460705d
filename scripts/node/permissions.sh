#!/usr/bin/env bash
# requires: lib etcd_data
# Who may read and change the files of Kubernetes on this machine, as sections 1.1 and 4.1 of the CIS
# Kubernetes Benchmark require it. Programs that write them again, kubeadm above all, do not keep to
# that. Only functions.

# read_limits: read the most that is allowed: LIMITS (the mode) and OWNERS, by path.
read_limits() {
  local path
  declare -gA LIMITS=() OWNERS=()
  for path in /etc/kubernetes/manifests/{etcd,kube-apiserver,kube-controller-manager,kube-scheduler}.yaml \
    /etc/kubernetes/*.conf /etc/kubernetes/scheduler/* /etc/kubernetes/pki/{,*/}*.{key,pem} \
    /var/lib/kubelet/{config.yaml,instance-config.yaml,kubeadm-flags.env} /var/lib/kubelet/pki/*.{key,pem} \
    /etc/systemd/system/kubelet.service{,.d/*.conf}; do
    allow "$path" 600
  done
  for path in /etc/kubernetes/pki/{,*/}*.{crt,pub}; do
    allow "$path" 644
  done
  for path in /etc/kubernetes /etc/kubernetes/pki{,/etcd}; do
    allow "$path" 755
  done
  ! is_control_plane || allow "$ETCD_DATA" 700 "$ETCD_USER:$ETCD_USER"
}

allow() { # PATH MODE [OWNER]
  [[ -e $1 ]] || return 0
  LIMITS[$1]=$2
  OWNERS[$1]=${3:-root:root}
}

# exposed_files: print each whose mode or owner allows more: path and reason, separated by a tab. After
# read_limits.
exposed_files() {
  local mode owner path
  ((${#LIMITS[@]})) || return 0
  while read -r mode owner path; do
    if ((8#$mode & ~8#${LIMITS[$path]})); then
      fact "$path" "mode $mode instead of ${LIMITS[$path]}"
    elif [[ $owner != "${OWNERS[$path]}" ]]; then
      fact "$path" "owner $owner instead of ${OWNERS[$path]}"
    fi
  done < <(stat --dereference --format '%a %U:%G %n' "${!LIMITS[@]}" 2>/dev/null | sort --key 3)
}

# restrict_files: restrict all of them.
restrict_files() {
  local path
  ! is_control_plane || own_etcd_data
  read_limits
  while IFS=$'\t' read -r path _; do
    chown "${OWNERS[$path]}" "$path"
    chmod "${LIMITS[$path]}" "$path"
  done < <(exposed_files)
}

# apply_permissions: the same, on a member whose files have come to be exposed.
apply_permissions() {
  lib_begin
  restrict_files
  say "modes and owners of files corrected"
}
