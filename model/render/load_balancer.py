"""The haproxy and keepalived configuration of control planes with a virtual IP address.

One control plane holds the address (VRRP, RFC 5798), and its haproxy forwards connections to every
control plane whose API server is ready. TLS is not terminated there, but between the client and the
API server.

The figures here determine how long the API is unavailable when a machine dies without notice.
Another machine takes the address over after about 3.6 missing adverts, which is 1.1 s. A dead
backend is marked down after FALL checks, at worst INTERVAL + FALL * CONNECT + (FALL - 1) * FAST =
2.2 s, or 2.7 s if it died during a check. Both happen while etcd elects another leader, in
1 to 2 s.
"""

from model.fleet import Cluster, Vip
from model.machine import Machine
from model.render.node_paths import LOAD_BALANCER_SOCKET
from model.well_known import API_PORT

# Seconds between the holder's adverts. Others wait for three, plus (256 - priority) / 256 of one.
ADVERT_SECONDS = 0.3
PRIORITY = 100
# Milliseconds: the interval of checks, the interval after a failed check, the limit for connecting
# to a machine (including TLS, which is slow on a busy one), and from then on the limit for the API
# server's answer. While etcd elects a leader no API server is ready. FALL missing answers take
# longer than that, so clients stay connected. One that answers that etcd failed may say so for 1 s
# (k8s.io/apiserver, pkg/storage/storagebackend/factory/etcd3.go: it repeats the last error), and is
# marked down: then any-control-plane takes new connections.
INTERVAL = 500
FAST = 100
CONNECT = 500
ANSWER = 1500
FALL = 3
CHECKS = f"check verify none inter {INTERVAL}ms fastinter {FAST}ms fall {FALL} rise 1"
# What the body of /readyz has when an API server got SIGTERM (k8s.io/apiserver,
# pkg/server/healthz). It serves on for NOTICE_SECONDS (kubeadm_flags.py), until every load balancer
# knows: the next check begins within INTERVAL and has its answer within CONNECT + ANSWER.
ENDING = "[-]shutdown failed"
ASK_HAPROXY = (
    "/usr/bin/curl --disable --silent --fail --max-time 1 --output /dev/null "
    f"--unix-socket {LOAD_BALANCER_SOCKET} http://haproxy/"
)
# scripts/node/files.sh replaces this by the interface that has the machine's address.
INTERFACE = "@INTERFACE@"


def haproxy(cluster: Cluster, vip: Vip) -> str:
    """Return haproxy.cfg, the same on every control plane.

    https://docs.haproxy.org/2.6/configuration.html
    """
    ending = ENDING.replace(" ", "\\ ")
    servers = "".join(
        f"    server {plane.name} {plane.address}:{API_PORT}\n" for plane in cluster.control_planes
    )
    return f"""\
global
    user haproxy
    group haproxy
    chroot /var/lib/haproxy
    maxconn 8192
    # After a reload the old process keeps its connections for at most this long.
    hard-stop-after 15m

defaults
    timeout connect {CONNECT}ms
    timeout check {ANSWER}ms
    # A watch may be silent for long; TCP keepalive detects a dead peer.
    timeout client 1h
    timeout server 1h
    option clitcpka
    option srvtcpka

frontend api
    mode tcp
    bind *:{vip.port} tcp-ut 5s
    # If none is ready, one that is about to be is better than none.
    use_backend any-control-plane if {{ nbsrv(control-planes) eq 0 }}
    default_backend control-planes

backend control-planes
    mode tcp
    balance leastconn
    retries 3
    option redispatch 1
    option log-health-checks
    option httpchk
    http-check connect ssl
    http-check send meth GET uri /readyz
    # One that is ending gets no more connections, and finishes the requests of those that it has.
    http-check expect error-status L7OKC ! string {ending}
    http-check expect status 200
    # The client verifies the certificate itself.
    default-server {CHECKS}
    # A failed client connection has it checked soon. If it counted as a failed check, the last one
    # would end as well instead of being tried elsewhere.
    default-server observe layer4 error-limit 1 on-error fastinter
    default-server tcp-ut 5s on-marked-down shutdown-sessions
{servers}
# Without checks: one that refuses a connection is skipped.
backend any-control-plane
    mode tcp
    balance roundrobin
    retries 3
    option redispatch 1
    default-server tcp-ut 5s
{servers}
# keepalived's health check of haproxy, and what haproxy knows of the API servers, for root.
frontend health
    mode http
    bind unix@{LOAD_BALANCER_SOCKET} mode 600
    stats enable
    stats uri /servers
    http-request return status 200 if !{{ path_beg /servers }}
"""


def keepalived(cluster: Cluster, vip: Vip, machine: Machine) -> str:
    """Return keepalived.conf of one control plane; all start with equal priority.

    The holder of the address keeps it until it dies (`nopreempt`), so a machine that comes
    back interrupts no connection. https://keepalived.org/manpage.html
    """
    others = [plane.address for plane in cluster.control_planes if plane != machine]
    peers = "".join(f"        {address}\n" for address in others)
    return f"""\
global_defs {{
    router_id {machine.name}
    vrrp_version 3
    vrrp_priority -20
    script_user root
    enable_script_security
}}

vrrp_script haproxy {{
    script "{ASK_HAPROXY}"
    interval 1
    timeout 2
    fall 2
    rise 1
}}

vrrp_instance endpoint {{
    state BACKUP
    nopreempt
    interface {INTERFACE}
    virtual_router_id {vip.router_id}
    priority {PRIORITY}
    advert_int {ADVERT_SECONDS}
{_unicast(machine, peers)}\
    virtual_ipaddress {{
        {vip.address}/32
    }}
    track_script {{
        haproxy
    }}
}}
"""


def _unicast(machine: Machine, peers: str) -> str:
    """Return the peers; without any, keepalived would use multicast."""
    if not peers:
        return f"    mcast_src_ip {machine.address}\n"
    return f"    unicast_src_ip {machine.address}\n    unicast_peer {{\n{peers}    }}\n"
