#!/usr/bin/env bash
# What this host is like, as lines of KEY<TAB>VALUE. Changes nothing, judges nothing, and runs as the
# user who logged in: only what root alone can read is read with sudo, if sudo lets us.
# Settings: SUDO (yes, no), PATHS (what would be written, separated by blanks).
set -u
export LC_ALL=C
STATE=/var/lib/kubeadm-fleet

fact() { printf '%s\t%s\n' "$1" "$2"; }

root=()
[[ $SUDO == yes ]] && root=(sudo --non-interactive)
if refusal=$("${root[@]}" true 2>&1) && [[ $("${root[@]}" id -u) == 0 ]]; then
  fact root yes
else
  fact root "${refusal:-the user is not root}"
  root=()
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

# What an earlier cluster or another container runtime leaves.
found=()
for path in /etc/kubernetes/*.conf /etc/kubernetes/manifests/*.yaml /var/lib/kubelet/config.yaml \
  /etc/containerd/config.toml /etc/systemd/system/{kubelet,containerd}.service \
  $PATHS; do
  [[ -e $path ]] && found+=("$path")
done
"${root[@]}" test -e /var/lib/etcd/member && found+=(/var/lib/etcd/member)
fact leftovers "${found[*]:-}"
fact packages "$(dpkg-query --show --showformat '${Package} ${db:Status-Status}\n' \
  containerd containerd.io docker.io docker-ce cri-o kubelet kubeadm 2>/dev/null |
  awk '$2 == "installed" {printf "%s ", $1}')"

# Ours: the fleet and the machine that this host was taken over for, and when; what it was sent.
fact owner "$("${root[@]}" cat $STATE/owner 2>/dev/null)"
# shellcheck disable=SC2016
fact supplies "$("${root[@]}" bash -c '
  cd "$1/artifacts" || exit
  cut -f 1 index | while read -r sum; do [[ -f $sum ]] || echo "$sum is gone"; done
  cat index downloads mirrors' supplies $STATE 2>/dev/null | sha256sum | cut -d " " -f 1)"
fact complete yes
