#!/usr/bin/env bash
# Three control planes behind a virtual address and two workers, made with bare commands, and then
# upgraded in the order that the program keeps: everything staged on all machines first, then each
# machine drained, upgraded by kubeadm, its kubelet changed, and back when it is Ready.
# More arguments: the first three numbers of the addresses, such as 10.85.1; the bundle and the
# Kubernetes version to upgrade to.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=machines.sh
source "${BASH_SOURCE[0]%/*}/machines.sh"

NET=$6 NEXT_BUNDLE=$7 NEXT=$8
CONTROL_PLANES=("$NET.11" "$NET.12" "$NET.13")
WORKERS=("$NET.101" "$NET.102")
ENDPOINT=$NET.100:8443
FIRST=${CONTROL_PLANES[0]}
CERTIFICATE_KEY=$(printf 'cafe%060d' 7)

balance() { # ADDRESS: haproxy and keepalived
  local others='' address
  for address in "${CONTROL_PLANES[@]}"; do
    [[ $address == "$1" ]] || others+=" $address"
  done
  on "$1" "cat >/etc/haproxy/haproxy.cfg <<'CONFIG'
global
    maxconn 8192
defaults
    mode tcp
    timeout connect 1s
    timeout client 1h
    timeout server 1h
frontend api
    bind *:${ENDPOINT##*:}
    default_backend control-planes
backend control-planes
    option httpchk GET /readyz
    default-server check check-ssl verify none inter 500ms fall 3 rise 1
$(printf '%s\n' "${CONTROL_PLANES[@]}" | awk '{print "    server s" NR, $1 ":6443"}')
CONFIG
cat >/etc/keepalived/keepalived.conf <<'CONFIG'
vrrp_instance api {
    state BACKUP
    nopreempt
    interface eth0
    virtual_router_id 51
    priority 100
    advert_int 1
    unicast_src_ip $1
    unicast_peer { $others }
    virtual_ipaddress { ${ENDPOINT%:*}/32 }
}
CONFIG
systemctl unmask --quiet haproxy keepalived
systemctl restart haproxy keepalived"
}

api() { on "$FIRST" "KUBECONFIG=$KUBECONFIG_OF_ROOT kubectl $*"; }

name_of() { # ADDRESS
  on "$1" hostname
}

stage() { # ADDRESS IMAGES...
  import "$1" "${NEXT_BUNDLE##*/}" "${@:2}"
  on "$1" "for name in kubeadm kubelet kubectl; do
    install -m 0755 /bundles/${NEXT_BUNDLE##*/}/bin/\$name /usr/local/bin/\$name.next || exit 1; done"
}

# upgrade ADDRESS COMMAND: one machine, as the kubeadm documentation has it.
upgrade() {
  local name
  name=$(name_of "$1")
  api drain "$name" --ignore-daemonsets --delete-emptydir-data >/dev/null
  on "$1" "mv /usr/local/bin/kubeadm{.next,} &&
    kubeadm upgrade $2 --ignore-preflight-errors=all >upgrade.log 2>&1 ||
    { cat upgrade.log >&2 && exit 1; }
    cd /usr/local/bin && mv kubelet.next kubelet && mv kubectl.next kubectl && systemctl restart kubelet"
  api wait "node/$name" "--for=jsonpath={.status.nodeInfo.kubeletVersion}=$NEXT" \
    "--timeout=${WHOLE_SECONDS}s" >/dev/null
  api wait "node/$name" --for=condition=Ready "--timeout=${WHOLE_SECONDS}s" >/dev/null
  api uncordon "$name" >/dev/null
  lap "$name upgraded"
}

make_work_folder
bridge bare0 "$NET.1"
for n in "${!CONTROL_PLANES[@]}"; do
  boot "bare0-control-plane-$n" "${CONTROL_PLANES[n]}" "$NET.1" bare0
done
for n in "${!WORKERS[@]}"; do
  boot "bare0-worker-$n" "${WORKERS[n]}" "$NET.1" bare0
done
for address in "${CONTROL_PLANES[@]}"; do
  # shellcheck disable=SC2046
  { prepare "$address" $(control_plane_images "$BUNDLE") && balance "$address"; } &
  JOBS+=($!)
done
for address in "${WORKERS[@]}"; do
  # shellcheck disable=SC2046
  prepare "$address" $(worker_images "$BUNDLE") &
  JOBS+=($!)
done
wait_all "${JOBS[@]}"
lap "prepared"
init "$FIRST" "$ENDPOINT" "$CERTIFICATE_KEY"
lap "init"
addons "$FIRST" "${ENDPOINT%:*}" &
JOBS=($!)
for address in "${WORKERS[@]}"; do
  join "$address" "$ENDPOINT" &
  JOBS+=($!)
done
for address in "${CONTROL_PLANES[@]:1}"; do
  join "$address" "$ENDPOINT" --control-plane "--certificate-key=$CERTIFICATE_KEY" \
    "--apiserver-advertise-address=$address"
  lap "$address joined"
done
wait_all "${JOBS[@]}"
await_ready "$FIRST" 5
lap "ready"

begin
JOBS=()
for address in "${CONTROL_PLANES[@]}"; do
  # shellcheck disable=SC2046
  stage "$address" $(control_plane_images "$NEXT_BUNDLE") &
  JOBS+=($!)
done
for address in "${WORKERS[@]}"; do
  # shellcheck disable=SC2046
  stage "$address" $(worker_images "$NEXT_BUNDLE") &
  JOBS+=($!)
done
wait_all "${JOBS[@]}"
lap "staged"
upgrade "$FIRST" "apply $NEXT --yes"
for address in "${CONTROL_PLANES[@]:1}" "${WORKERS[@]}"; do
  upgrade "$address" node
done
await_ready "$FIRST" 5
lap "upgraded"
