#!/usr/bin/env bash
# requires: lib original_state firewall kernel_facts boot_facts
# settings: ROOT_REFUSAL PATHS
# Host facts as lines of KEY<TAB>VALUE. Read-only and without judgement; runs as root, or as the login
# user, who sees less.
# Settings: ROOT_REFUSAL (why it is not root; empty: it is), PATHS (paths that would be written,
# separated by blanks).
# Services of another installation: its Node or its container runtime.
RUNTIMES=(kubelet.service containerd.service docker.service crio.service k3s.service k3s-agent.service
  rke2-server.service rke2-agent.service k0scontroller.service k0sworker.service
  'snap.microk8s.daemon-*.service')
SHADOWING_PROGRAMS=(/usr/local/bin/runc /usr/local/sbin/runc)
UNIT_FOLDERS=(/etc/systemd/system /run/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system)
# Chains of other pod networks, besides our own.
FOREIGN_CHAINS='^(cali-|CILIUM_|WEAVE)'
host_facts() {
  set -u
  export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
  # What comes before this line is of the login shell.
  fact facts begin
  fact root "${ROOT_REFUSAL:-yes}"
  system_facts
  network_facts
  other_facts
  own_facts
  fact complete yes
}

system_facts() {
  fact clock "$(date +%s)"
  fact machine_id "$(cat /etc/machine-id)"
  (
    # shellcheck disable=SC1091
    . /etc/os-release
    fact os "${PRETTY_NAME:-$ID}"
    fact os_family "$ID ${ID_LIKE:-}"
  )
  fact arch "$(uname -m)"
  fact package_arch "$(dpkg --print-architecture 2>/dev/null)"
  fact kernel "$(uname -r)"
  fact cpus "$(nproc)"
  # Huge pages are reserved: no other memory comes of them.
  fact memory_kib "$(awk '/^MemTotal:/ {free = $2} /^Hugetlb:/ {free -= $2} END {print free}' /proc/meminfo)"
  fact swaps "$(awk 'NR > 1 {printf "%s,%s ", $1, $3}' /proc/swaps 2>/dev/null)"
  fact inactive_swaps "$(inactive_swaps | tr '\n' ' ')"
  fact free_kib "$(df --portability --block-size=1024 /var/lib | awk 'END {print $4}')"
  # A file system without a fixed number of inodes has 0 of 0, or "-".
  fact free_inodes "$(df --output=iavail,itotal /var/lib | awk 'END {print ($2 > 0 ? $1 : "-")}')"
  fact init "$(cat /proc/1/comm)"
  fact mounts "$(restrictions | tr '\n' ' ')"
  fact modules "$(has_modules && echo yes || echo no)"
  fact missing_modules "$(missing_modules | tr '\n' ' ')"
  fact missing_controllers "$(missing_controllers | tr '\n' ' ')"
  fact selinux "$(is_selinux_enforcing && echo enforcing || echo no)"
  # A container has its host's clock.
  fact synchronized "$(systemd-detect-virt --quiet --container ||
    timeout 5 timedatectl show --property=NTPSynchronized --value 2>/dev/null)"
  fact later_settings "$(later_settings | tr '\n' ' ')"
  fact proxies "$(grep --no-messages --files-with-matches --ignore-case --extended-regexp \
    '^[^#]*\b(https?|all)_proxy=' /etc/environment /etc/profile.d/*.sh /etc/systemd/system.conf \
    /etc/systemd/system.conf.d/*.conf | tr '\n' ' ')"
}

network_facts() {
  local path
  fact addresses "$(ip -oneline -4 address show | awk '{sub(/\/.*/, "", $4); printf "%s,%s ", $2, $4}')"
  fact listeners "$(listeners | sort -u | tr '\n' ' ')"
  # IPv4 routes, addresses in hexadecimal: proc(5). The resolver that kubeadm tells the kubelet to use.
  fact routes "$(awk 'NR > 1 {print $1 "," $2 "," $3 "," $8}' /proc/net/route | tr '\n' ' ')"
  path=/run/systemd/resolve/resolv.conf
  systemctl is-active --quiet systemd-resolved 2>/dev/null || path=/etc/resolv.conf
  fact resolver "$path"
  fact nameservers "$(awk '$1 == "nameserver" {print $2}' "$path" 2>/dev/null | tr '\n' ' ')"
}

# other_facts: what is in the way of our own files, and leftovers of an earlier cluster.
other_facts() {
  local path
  # shellcheck disable=SC2153
  fact files "$(foreign_files | tr '\n' ' ')"
  fact folders "$(for path in "${CLUSTER_FOLDERS[@]}" /var/lib/etcd /var/lib/cni/networks/cbr0; do
    ! has_files "$path" || printf '%s ' "$path"
  done)"
  fact symlinks "$(for path in /var /var/lib "${CLUSTER_FOLDERS[@]}" /var/lib/etcd /var/lib/cni; do
    [[ ! -L $path ]] || printf '%s,%s ' "$path" "$(readlink -f "$path")"
  done)"
  fact volumes "$(for path in "${CLUSTER_FOLDERS[@]}"; do
    ! mounts_in "$path" | grep -q "^$path/[^/]*/" || printf '%s ' "$path"
  done)"
  # Folders of root's own, as containerd makes them, do not show the user what they have.
  fact cni "$(find /etc/cni/net.d -maxdepth 1 -regex '.*\.\(conf\|conflist\|json\)' -printf '%p ' 2>/dev/null)"
  fact links "$(ip -oneline link show | awk -F '[:@ ]+' '{printf "%s ", $2}')"
  fact chains "$(leftover_chains | sort -u | tr '\n' ' ')"
  fact services "$(systemctl list-units --plain --no-legend --state active,activating "${RUNTIMES[@]}" \
    2>/dev/null | awk '{printf "%s ", $1}')"
  fact stopped_services "$(stopped_services "${RUNTIMES[@]}" | tr '\n' ' ')"
  fact packages "$(dpkg-query --show --showformat '${Package} ${db:Status-Status}\n' \
    containerd containerd.io docker.io docker-ce cri-o kubelet kubeadm 2>/dev/null |
    awk '$2 == "installed" {printf "%s ", $1}')"
}

# own_facts: the claim of this host's fleet and machine, whether it has joined a cluster as that machine,
# and the digest of its artifacts.
own_facts() {
  fact member "$(test -s "$STATE/member" && echo yes || echo no)"
  fact owner "$(cat "$STATE/owner" 2>/dev/null)"
  # shellcheck disable=SC2016
  fact artifacts_digest "$(bash -c '
    cd "$1/artifacts" || exit
    cut -f 1 index | while read -r sum; do [[ -f $sum ]] || echo "$sum is missing"; done
    cat index downloads' digest "$STATE" 2>/dev/null | sha256sum | cut -d " " -f 1)"
}

# restrictions: print what of our folders is on a read-only file system, or one without programs.
restrictions() {
  local path options
  for path in /usr/local/bin /opt /var/lib /etc; do
    options=,$(findmnt --noheadings --output OPTIONS --target "$path"),
    [[ $options != *,ro,* ]] || echo "$path,read-only"
    [[ $path == /etc || $options != *,noexec,* ]] || echo "$path,noexec"
  done
}

# foreign_files: print what exists of PATHS, drop-ins that would change our units, and programs that
# containerd would run instead of a package's.
foreign_files() {
  local paths folder
  # shellcheck disable=SC2153
  read -ra paths <<<"$PATHS"
  paths+=("${SHADOWING_PROGRAMS[@]}")
  for folder in "${UNIT_FOLDERS[@]}"; do
    paths+=("$folder"/{kubelet,containerd}.service.d)
  done
  find "${paths[@]}" -maxdepth 1 ! -type d 2>/dev/null | sort -u
}

# listeners: print listening TCP sockets as PORT,PROGRAM,PID,SERVICE; "-" is unknown.
listeners() {
  local address users name pid unit
  ss --listening --tcp --numeric --processes --no-header 2>/dev/null |
    while read -r _ _ _ address _ users; do
      name=- pid=- unit=-
      if [[ $users =~ \"([^\"]+)\",pid=([0-9]+) ]]; then
        name=${BASH_REMATCH[1]// /_} pid=${BASH_REMATCH[2]}
        [[ ! $(cat "/proc/$pid/cgroup" 2>/dev/null) =~ /([^/]+\.service) ]] || unit=${BASH_REMATCH[1]}
      fi
      echo "${address##*:},$name,$pid,$unit"
    done
}

has_files() { # FOLDER: does it have anything but folders and what mkfs made?
  [[ -n $(find "$1" -mindepth 1 -name lost+found -prune -o ! -type d -print -quit 2>/dev/null) ]]
}

# leftover_chains: print the chains of an earlier cluster. podman has port mappings as well.
leftover_chains() {
  local kind
  for kind in "${BACK_ENDS[@]}"; do
    "$kind-save" 2>/dev/null | chains_named "$OWNED_CHAINS|$FOREIGN_CHAINS"
  done | sed 's/.*://; /^CNI-/d'
}
