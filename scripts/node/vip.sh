#!/usr/bin/env bash
# requires: lib changed files managed packages
# settings: VIP VIP_PORT PEERS CA_CERTIFICATE
# The virtual IP address of a cluster on its control planes: haproxy and keepalived as services
# separate from the distribution's (model/render/load_balancer.py). VIP and VIP_PORT are the address and
# its port, PEERS the addresses of the other control planes, separated by blanks. Only functions.
LOAD_BALANCER_FOLDER=/etc/kubeadm-fleet
LOAD_BALANCER_SERVICES=(kubeadm-fleet-haproxy kubeadm-fleet-keepalived)
LOAD_BALANCER_PACKAGES=(haproxy keepalived)
# The address that this machine may hold; kept for its removal.
VIP_RECORD=$STATE/vip

has_vip() { [[ -n ${VIP:-} ]]; }

# install_load_balancer: install the packages without starting their services.
install_load_balancer() {
  local missing=() name
  for name in "${LOAD_BALANCER_PACKAGES[@]}"; do
    [[ -x /usr/sbin/$name ]] || missing+=("$name")
  done
  ((${#missing[@]})) || return 0
  systemctl mask --quiet --runtime "${missing[@]}"
  install_packages "${missing[@]}"
  systemctl disable --quiet "${missing[@]}" 2>/dev/null || true
  systemctl unmask --quiet --runtime "${missing[@]}"
}

# claim_vip: record the address, unless a machine outside of this cluster has it, which would keep
# answering for it. Checked only before this machine's first participation; later it may hold the
# address itself. In a container machine's network there are only machines of its cluster.
claim_vip() {
  local interface holder
  interface=$(node_interface)
  if [[ ! -f $STATE/installed && $(cat "$VIP_RECORD" 2>/dev/null) != "$VIP" ]] &&
    [[ -z $(ip -oneline -4 address show to "$VIP/32") ]]; then
    holder=$(hardware_address "$VIP" "$interface")
    [[ -z $holder ]] || endpoint_exists || is_peer "$holder" "$interface" ||
      die "the endpoint's address $VIP is in use by $holder, which is not a control plane of this cluster" \
        "nothing was changed here: set endpoint.vip to an unused address, or remove $VIP from the machine with that MAC address, and run 'fleet up' again"
  fi
  printf '%s\n' "$VIP" >"$VIP_RECORD"
}

# hardware_address ADDRESS INTERFACE: print the MAC address that currently answers for an address of
# this network, if any. A connection attempt triggers ARP; older entries may be stale.
hardware_address() {
  ip neighbour flush to "$1" dev "$2" >/dev/null
  timeout 4 bash -c "exec 3<>/dev/tcp/$1/$VIP_PORT" 2>/dev/null || true
  ip neighbour show to "$1" dev "$2" | awk '{for (i = 1; i < NF; i++) if ($i == "lladdr") print $(i + 1)}'
}

# endpoint_exists: does an API server with a certificate of our CA respond at the address?
endpoint_exists() {
  [[ -n ${CA_CERTIFICATE:-} ]] &&
    curl --disable --silent --output /dev/null --noproxy '*' --connect-timeout 1 --max-time 3 \
      --cacert <(printf '%s\n' "$CA_CERTIFICATE") "https://$VIP:$VIP_PORT/readyz"
}

# is_peer HARDWARE_ADDRESS INTERFACE: is it the MAC address of another control plane, which was faster?
# During the creation of a cluster no API server responds yet.
is_peer() {
  local peer
  for peer in $PEERS; do
    [[ $(hardware_address "$peer" "$2") != "$1" ]] || return 0
  done
  return 1
}

# check_load_balancer TABLE: reject an invalid configuration, before the current one is touched; without
# one, stop the services.
check_load_balancer() {
  local content
  content=$(awk -F '\t' -v path="$LOAD_BALANCER_FOLDER/haproxy.cfg" '$1 == path {print $4}' <<<"$1")
  if [[ -z $content ]]; then
    stop_load_balancer
    return
  fi
  base64 --decode <<<"$content" >"$STATE/haproxy.cfg.check"
  logged haproxy-check haproxy -c -f "$STATE/haproxy.cfg.check"
  rm -f "$STATE/haproxy.cfg.check"
}

# use_load_balancer: reload changed files without closing connections, or start changed units.
use_load_balancer() {
  [[ -f $LOAD_BALANCER_FOLDER/keepalived.conf ]] || return 0
  if is_changed /etc/systemd/system/kubeadm-fleet-haproxy || is_changed /etc/systemd/system/kubeadm-fleet-keepalived; then
    load_balancer_service restart kubeadm-fleet-haproxy
    load_balancer_service restart kubeadm-fleet-keepalived
    return
  fi
  ! is_changed $LOAD_BALANCER_FOLDER/haproxy.cfg ||
    load_balancer_service reload-or-restart kubeadm-fleet-haproxy
  ! is_changed $LOAD_BALANCER_FOLDER/keepalived.conf ||
    load_balancer_service reload-or-restart kubeadm-fleet-keepalived
}

# start_load_balancer: start the services, now and at every boot, if this machine has any.
start_load_balancer() {
  local service
  [[ -f $LOAD_BALANCER_FOLDER/keepalived.conf ]] || return 0
  systemctl enable --quiet "${LOAD_BALANCER_SERVICES[@]}"
  for service in "${LOAD_BALANCER_SERVICES[@]}"; do
    load_balancer_service start "$service"
  done
}

load_balancer_service() { # ACTION SERVICE
  systemctl "$1" "$2" 2>"$LOGS/load-balancer.log" && return
  journalctl --unit "$2" --lines 10 --output cat >&2
  die "$2 failed to start" \
    "fix the problem reported above, such as a port in use, and run 'fleet up' again"
}

# stop_load_balancer: stop the services, if this machine has any; a peer takes the address over.
stop_load_balancer() {
  local vip link
  [[ -n $(owned_lines | lines_of load-balancer) ]] || return 0
  systemctl disable --quiet --now kubeadm-fleet-keepalived 2>/dev/null || true
  systemctl disable --quiet --now kubeadm-fleet-haproxy 2>/dev/null || true
  # A killed keepalived leaves the address on its interface.
  vip=$(cat "$VIP_RECORD" 2>/dev/null) || return 0
  ip -oneline -4 address show to "$vip/32" | while read -r _ link _; do
    ip address delete "$vip/32" dev "$link"
  done
}
