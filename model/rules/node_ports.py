"""Rules for the range of NodePorts: the cluster's endpoint must not be in it.

kube-proxy takes over a port of the range on every Node as soon as a Service is given it.
"""

import re
from collections.abc import Iterator

from model.config.resolved_cluster import ResolvedCluster
from model.rules.issue import Issue, issue
from model.well_known import API_PORT, NODE_PORTS

FLAG = "service-node-port-range"
EXAMPLE = "30000-32767"
ENDPOINTS = {"vip": "vip: 10.89.1.100:8443", "external": "external: api.example.com:6443"}
# https://github.com/kubernetes/apimachinery/blob/master/pkg/util/net/port_range.go
RANGE = re.compile(r"(\d+)(?:([-+])(\d+))?")


def check_cluster(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield the issues of one cluster's range."""
    path = cluster.path_of("apiServer", "extraArgs", FLAG)
    written = cluster.settings.api_server.extra_args.get(FLAG)
    ports = NODE_PORTS if written is None else _parsed(str(written))
    if not ports:
        yield issue(
            path,
            written,
            "not a range of ports",
            allowed="FIRST-LAST, between 1 and 65535",
            example=EXAMPLE,
        )
        return
    if API_PORT in ports:
        yield issue(
            path,
            written,
            f"port {API_PORT} (API server) is inside: a Service could take it over on every Node",
            allowed=f"a range without {API_PORT}",
            example=EXAMPLE,
        )
    if (endpoint := _own_endpoint(cluster)) and endpoint[1] in ports:
        key, port = endpoint
        yield issue(
            cluster.endpoint_path(key),
            cluster.given_endpoint,
            f"port {port} is inside {ports.start}-{ports[-1]} (Services of type NodePort), which "
            "every Node may forward to a Service",
            allowed="a port outside of that range",
            example=ENDPOINTS[key],
            sources=cluster.paths_of("apiServer", "extraArgs", FLAG),
        )


def _own_endpoint(cluster: ResolvedCluster) -> tuple[str, int] | None:
    """Return the endpoint's key and port if it is on the cluster's machines, at another port."""
    if (vip := cluster.vip) is not None:
        return "vip", vip.port
    host, _, port = (cluster.given_endpoint or "").rpartition(":")
    addresses = [str(machine.address) for machine in cluster.machines if machine.address]
    if not host or int(port) == API_PORT or host not in addresses:
        return None
    return "external", int(port)


def _parsed(text: str) -> range:
    """Return the ports of a flag's value; empty if it is none."""
    if (found := RANGE.fullmatch(text)) is None:
        return range(0)
    first, last = int(found[1]), int(found[3] or found[1])
    if found[2] == "+":
        last += first
    return range(first, last + 1) if 0 < first <= last < 1 << 16 else range(0)
