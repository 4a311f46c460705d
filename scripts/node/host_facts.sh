#!/usr/bin/env bash
# requires: lib
# settings: SUDO SUDO_PASSWORD PATHS
# Host facts as lines of KEY<TAB>VALUE. Read-only and without judgement; runs as the login user, and
# uses sudo, if allowed, only to read root's files.
# Settings: SUDO (yes, no), SUDO_PASSWORD (empty: sudo must not ask), PATHS (paths that would be
# written, separated by blanks).
host_facts() {
  set -u
  export LC_ALL=C
  local SUDO=$SUDO refusal found=() path
  if refusal=$(as_root true 2>&1) && [[ $(as_root id -u) == 0 ]]; then
    fact root yes
  else
    refusal=${refusal##*$'\n'}
    fact root "${refusal:-the user is not root}"
    SUDO=no
  fi
  fact clock "$(date +%s)"
  fact machine_id "$(cat /etc/machine-id)"
  (
    # shellcheck disable=SC1091
    . /etc/os-release
    fact os "${PRETTY_NAME:-$ID}"
    fact os_family "$ID ${ID_LIKE:-}"
  )
  fact arch "$(uname -m)"
  fact kernel "$(uname -r)"
  fact cpus "$(nproc)"
  fact memory_kib "$(awk '/^MemTotal:/ {print $2}' /proc/meminfo)"
  fact swap_kib "$(awk '/^SwapTotal:/ {print $2}' /proc/meminfo)"
  fact free_kib "$(df --portability --block-size=1024 /var/lib | awk 'END {print $4}')"
  fact init "$(cat /proc/1/comm)"

  # Listening TCP sockets (state 0A), the port in hexadecimal: proc_net_tcp(5).
  fact ports "$(awk '$4 == "0A" {sub(/.*:/, "", $2); print $2}' /proc/net/tcp{,6} 2>/dev/null |
    sort -u | tr '\n' ' ')"

  # IPv4 routes, addresses in hexadecimal: proc(5). The resolver that kubeadm tells the kubelet to use.
  fact routes "$(awk 'NR > 1 {print $1 "," $2 "," $3 "," $8}' /proc/net/route | tr '\n' ' ')"
  path=/run/systemd/resolve/resolv.conf
  [[ -e $path ]] || path=/etc/resolv.conf
  fact nameservers "$(awk '$1 == "nameserver" {print $2}' "$path" 2>/dev/null | tr '\n' ' ')"

  # Leftovers of an earlier cluster, and what is in the way of our own files.
  for path in /etc/kubernetes/*.conf /etc/kubernetes/manifests/*.yaml /var/lib/kubelet/config.yaml \
    $PATHS; do
    [[ -e $path ]] && found+=("$path")
  done
  as_root test -e /var/lib/etcd/member && found+=(/var/lib/etcd/member)
  fact leftovers "${found[*]:-}"
  fact packages "$(dpkg-query --show --showformat '${Package} ${db:Status-Status}\n' \
    containerd containerd.io docker.io docker-ce cri-o kubelet kubeadm 2>/dev/null |
    awk '$2 == "installed" {printf "%s ", $1}')"

  # Ours: the claim of this host's fleet and machine, and the digest of its artifacts.
  fact owner "$(as_root cat "$STATE/owner" 2>/dev/null)"
  # shellcheck disable=SC2016
  fact artifacts_digest "$(as_root bash -c '
    cd "$1/artifacts" || exit
    cut -f 1 index | while read -r sum; do [[ -f $sum ]] || echo "$sum is missing"; done
    cat index downloads' digest "$STATE" 2>/dev/null | sha256sum | cut -d " " -f 1)"
  fact complete yes
}

# as_root COMMAND...: run it as root, if sudo allows it.
as_root() {
  if [[ $SUDO != yes ]]; then
    "$@"
  elif [[ -n $SUDO_PASSWORD ]]; then
    # sudo's standard input has only the password, so that a wrong one is tried once.
    # shellcheck disable=SC2024
    sudo --stdin --prompt= "$@" < <(printf '%s\n' "$SUDO_PASSWORD")
  else
    sudo --non-interactive "$@"
  fi
}
