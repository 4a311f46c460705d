#!/usr/bin/env bash
# requires: lib configure install
# settings: NODE_ADDRESS CA_CERTIFICATE HAPROXY_CONFIG KEEPALIVED_CONFIG
# The virtual IP address of a cluster on its control planes: haproxy and keepalived as services
# separate from the distribution's, configured by model/render/load_balancer.py.
# Only functions.
ENDPOINT_FOLDER=/etc/kubeadm-fleet
ENDPOINT_SERVICES=(kubeadm-fleet-haproxy kubeadm-fleet-keepalived)
ENDPOINT_PACKAGES=(haproxy keepalived)

has_endpoint() { [[ -n ${HAPROXY_CONFIG:-} ]]; }

# install_endpoint: install the packages without starting their services.
install_endpoint() {
  local missing=() name
  for name in "${ENDPOINT_PACKAGES[@]}"; do
    [[ -x /usr/sbin/$name ]] || missing+=("$name")
  done
  ((${#missing[@]})) || return 0
  systemctl mask --quiet --runtime "${missing[@]}"
  install_packages "${missing[@]}"
  systemctl disable --quiet "${missing[@]}" 2>/dev/null || true
  systemctl unmask --quiet --runtime "${missing[@]}"
}

# configure_endpoint: configure and start the services. A changed configuration is reloaded without
# closing connections; an invalid one is rejected, and the previous one stays active.
configure_endpoint() {
  if ! has_endpoint; then
    forget_endpoint
    return
  fi
  local interface
  interface=$(ip -oneline -4 address show to "$NODE_ADDRESS/32" | awk '{print $2; exit}')
  [[ -n $interface ]] || die "no network interface has the address $NODE_ADDRESS" \
    "set nodeAddress to one of the host's own addresses"
  check_haproxy
  check_vip_available "$interface"
  write_managed_file $ENDPOINT_FOLDER/haproxy.cfg <<<"$HAPROXY_CONFIG"
  write_managed_file $ENDPOINT_FOLDER/keepalived.conf <<<"${KEEPALIVED_CONFIG//@INTERFACE@/$interface}"
  endpoint_units
  use_endpoint
  mkdir -p "$STATE/endpoint"
  printf '%s\n' "$HAPROXY_CONFIG" >"$STATE/endpoint/haproxy.cfg"
  printf '%s\n' "$KEEPALIVED_CONFIG" >"$STATE/endpoint/keepalived.conf"
}

# check_vip_available INTERFACE: reject an address that a machine outside of this cluster has, since it
# would keep answering for it. Checked only before this machine's first participation; later it may
# hold the address itself. In a container machine's network there are only machines of its cluster.
check_vip_available() {
  local address port holder
  address=$(virtual_address <<<"$KEEPALIVED_CONFIG")
  port=$(awk '$1 == "bind" {sub(/^\*:/, "", $2); print $2; exit}' <<<"$HAPROXY_CONFIG")
  [[ -n $address && ! -f $STATE/installed ]] || return 0
  if [[ -f $STATE/endpoint/keepalived.conf ]] &&
    [[ $(virtual_address <"$STATE/endpoint/keepalived.conf") == "$address" ]]; then
    return
  fi
  [[ -z $(ip -oneline -4 address show to "$address/32") ]] || return 0
  holder=$(hardware_address "$address" "$port" "$1")
  if [[ -z $holder ]] || is_cluster "$address:$port" || is_peer "$holder" "$port" "$1"; then
    return
  fi
  die "the endpoint's address $address is in use by $holder, which is not a control plane of this cluster" \
    "set endpoint.vip to an unused address, or remove $address from the machine with that MAC address, and run 'pulumi up' again; nothing was changed here"
}

# virtual_address: the address in the keepalived.conf on standard input, without its length.
virtual_address() {
  awk '/virtual_ipaddress/ {getline; sub("/.*", "", $1); print $1; exit}'
}

# hardware_address ADDRESS PORT INTERFACE: the MAC address that currently answers for an address of
# this network, if any. A connection attempt triggers ARP; older entries may be stale.
hardware_address() {
  ip neighbour flush to "$1" dev "$3" >/dev/null
  timeout 4 bash -c "exec 3<>/dev/tcp/$1/$2" 2>/dev/null || true
  ip neighbour show to "$1" dev "$3" | awk '{for (i = 1; i < NF; i++) if ($i == "lladdr") print $(i + 1)}'
}

# is_cluster ENDPOINT: does an API server with a certificate of our CA respond there?
is_cluster() {
  [[ -n ${CA_CERTIFICATE:-} ]] &&
    curl --silent --output /dev/null --noproxy '*' --connect-timeout 1 --max-time 3 \
      --cacert <(printf '%s\n' "$CA_CERTIFICATE") "https://$1/readyz"
}

# is_peer HARDWARE_ADDRESS PORT INTERFACE: is it the MAC address of another control plane, which was
# faster? During the creation of a cluster no API server responds yet.
is_peer() {
  local peer
  while read -r peer; do
    [[ $(hardware_address "$peer" "$2" "$3") != "$1" ]] || return 0
  done < <(awk '/unicast_peer/ {inside = 1; next} /}/ {inside = 0} inside {print $1}' \
    <<<"$KEEPALIVED_CONFIG")
  return 1
}

# repair_endpoint: restore the services to this machine's last configuration.
repair_endpoint() {
  local HAPROXY_CONFIG KEEPALIVED_CONFIG
  [[ -f $STATE/endpoint/keepalived.conf ]] || return 0
  HAPROXY_CONFIG=$(<"$STATE/endpoint/haproxy.cfg")
  KEEPALIVED_CONFIG=$(<"$STATE/endpoint/keepalived.conf")
  systemctl enable --quiet "${ENDPOINT_SERVICES[@]}" 2>/dev/null || true
  configure_endpoint
}

check_haproxy() {
  local new=$ENDPOINT_FOLDER/haproxy.cfg.check
  mkdir -p $ENDPOINT_FOLDER
  printf '%s\n' "$HAPROXY_CONFIG" >"$new"
  logged haproxy-check haproxy -c -f "$new"
  rm -f "$new"
}

# https://www.haproxy.com/documentation/haproxy-configuration-manual/latest/management/#3
endpoint_units() {
  write_managed_file /etc/systemd/system/kubeadm-fleet-haproxy.service <<UNIT
[Unit]
Description=kubeadm-fleet: load balancer of the cluster's endpoint
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=/usr/sbin/haproxy -Ws -f $ENDPOINT_FOLDER/haproxy.cfg -p /run/kubeadm-fleet-endpoint/haproxy.pid
ExecReload=/usr/sbin/haproxy -c -q -f $ENDPOINT_FOLDER/haproxy.cfg
ExecReload=/bin/kill -USR2 \$MAINPID
RuntimeDirectory=kubeadm-fleet-endpoint
KillMode=mixed
SuccessExitStatus=143
Restart=always
RestartSec=200ms
OOMScoreAdjust=-997

[Install]
WantedBy=multi-user.target
UNIT
  write_managed_file /etc/systemd/system/kubeadm-fleet-keepalived.service <<UNIT
[Unit]
Description=kubeadm-fleet: virtual IP address of the cluster's endpoint
After=network-online.target kubeadm-fleet-haproxy.service
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=/usr/sbin/keepalived --dont-fork --vrrp --use-file $ENDPOINT_FOLDER/keepalived.conf --pid /run/kubeadm-fleet-keepalived.pid --vrrp_pid /run/kubeadm-fleet-vrrp.pid
ExecReload=/bin/kill -HUP \$MAINPID
Restart=always
RestartSec=200ms
OOMScoreAdjust=-997

[Install]
WantedBy=multi-user.target
UNIT
}

# use_endpoint: start or reload the services with their new configuration.
use_endpoint() {
  local path written=()
  for path in "${CHANGED[@]}"; do
    if [[ $path == $ENDPOINT_FOLDER/* || $path == /etc/systemd/system/kubeadm-fleet-* ]]; then
      written+=("$path")
    fi
  done
  if ((${#written[@]})); then
    say "changed: ${written[*]}"
    record_applied_file "${written[@]}"
  fi
  if is_changed /etc/systemd/system/kubeadm-fleet-; then
    systemctl daemon-reload
    systemctl enable --quiet "${ENDPOINT_SERVICES[@]}"
    endpoint_service restart kubeadm-fleet-haproxy
    endpoint_service restart kubeadm-fleet-keepalived
    return
  fi
  ! is_changed $ENDPOINT_FOLDER/haproxy.cfg || endpoint_service reload-or-restart kubeadm-fleet-haproxy
  ! is_changed $ENDPOINT_FOLDER/keepalived.conf || endpoint_service reload-or-restart kubeadm-fleet-keepalived
  endpoint_service start kubeadm-fleet-haproxy
  endpoint_service start kubeadm-fleet-keepalived
}

endpoint_service() { # ACTION SERVICE
  systemctl "$1" "$2" 2>"$LOGS/endpoint.log" && return
  journalctl --unit "$2" --lines 10 --output cat >&2
  die "$2 failed to start" \
    "fix the problem reported above, such as a port in use, and run 'pulumi up' again"
}

# forget_endpoint: hand the address over to a peer, if it is here, and remove all files.
forget_endpoint() {
  local address service
  [[ -d $ENDPOINT_FOLDER ]] || return 0
  systemctl disable --quiet --now kubeadm-fleet-keepalived 2>/dev/null || true
  systemctl disable --quiet --now kubeadm-fleet-haproxy 2>/dev/null || true
  # A killed keepalived leaves the address on its interface.
  if [[ -f $ENDPOINT_FOLDER/keepalived.conf ]]; then
    address=$(virtual_address <$ENDPOINT_FOLDER/keepalived.conf)/32
    ip -oneline -4 address show to "$address" | while read -r _ link _; do
      ip address delete "$address" dev "$link"
    done
  fi
  rm -rf $ENDPOINT_FOLDER "$STATE/endpoint"
  for service in "${ENDPOINT_SERVICES[@]}"; do
    rm -f "/etc/systemd/system/$service.service"
  done
  systemctl daemon-reload
}
