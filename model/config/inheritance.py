"""Settings of machines and components: the cluster's override the fleet's, key by key."""

from typing import Any

from model.config.components import KubernetesComponents
from model.config.proxy_and_mirrors import Proxy
from model.config.resolve import ResolvedCluster
from model.config.upgrades import DRAIN_SECONDS, parse_percent, parse_seconds
from model.deep_merge import deep_merge
from model.fleet import CONTROL_PLANE, CONTROL_PLANE_TAINT, WORKER, Component, Taint, Upgrade
from model.outbound import Outbound

MAX_UNAVAILABLE = 1


def kubelet(layout: ResolvedCluster) -> dict[str, Any]:
    """Return the fields of KubeletConfiguration that the config sets."""
    return deep_merge(layout.fleet.kubelet, layout.cluster.kubelet)


def component(layout: ResolvedCluster, name: str) -> Component:
    """Return the settings of the component in this field of `KubernetesComponents`."""
    below, above = (getattr(each, name) for each in _levels(layout))
    return Component(extra_args=deep_merge(below.extra_args, above.extra_args))


def api_server(layout: ResolvedCluster) -> Component:
    """Return the API server settings; a cluster's certSANs replace the fleet's."""
    below, above = (each.api_server.cert_sans for each in _levels(layout))
    names = below if above is None else above
    settings = component(layout, "api_server")
    return Component(settings.extra_args, tuple(dict.fromkeys(names or ())))


def _levels(layout: ResolvedCluster) -> tuple[KubernetesComponents, KubernetesComponents]:
    return layout.fleet, layout.cluster


def upgrade(layout: ResolvedCluster, wave: int) -> Upgrade:
    """Return the rollout settings of a cluster in this wave."""
    below, above = layout.fleet.upgrades, layout.cluster.upgrades
    drain = below.drain_timeout if above.drain_timeout is None else above.drain_timeout
    force = below.force if above.force is None else above.force
    return Upgrade(
        max_unavailable=_max_unavailable(layout),
        drain_seconds=DRAIN_SECONDS if drain is None else parse_seconds(drain),
        force=bool(force),
        wave=wave,
        soak_seconds=parse_seconds(below.soak),
    )


def _max_unavailable(layout: ResolvedCluster) -> int:
    """Return a number of workers, at least 1; percentages round down, as for Deployments."""
    below, above = layout.fleet.upgrades, layout.cluster.upgrades
    given = below.max_unavailable if above.max_unavailable is None else above.max_unavailable
    if given is None:
        return MAX_UNAVAILABLE
    percent = parse_percent(given)
    return int(given) if percent is None else max(1, layout.size(WORKER) * percent // 100)


def outbound(layout: ResolvedCluster) -> Outbound:
    """Return the cluster's proxy and mirrors; traffic within the cluster bypasses the proxy."""
    fleet, cluster = layout.fleet, layout.cluster
    proxy = (fleet.proxy if cluster.proxy is None else cluster.proxy) or Proxy()
    networking = cluster.networking
    near = (
        *("localhost", "127.0.0.0/8", str(networking.pod_subnet), str(networking.service_subnet)),
        *(".svc", f".{networking.dns_domain}"),
    )
    return Outbound(
        proxy.http,
        proxy.https,
        tuple(dict.fromkeys((*near, *proxy.no_proxy))),
        deep_merge(fleet.registry_mirrors, cluster.registry_mirrors),
    )


def labels(layout: ResolvedCluster, role: str) -> dict[str, str]:
    """Return the labels of the Nodes of one role."""
    return dict(layout.pool(role).labels)


def taints(layout: ResolvedCluster, role: str) -> tuple[Taint, ...]:
    """Return the taints of one role's Nodes; an empty list removes kubeadm's default."""
    given = layout.pool(role).taints
    if given is None:
        return (CONTROL_PLANE_TAINT,) if role == CONTROL_PLANE else ()
    return tuple(map(parse_taint, given))


def parse_taint(text: str) -> Taint:
    """Parse a taint of the form "key=value:effect" or "key:effect"."""
    head, _, effect = text.rpartition(":")
    key, _, value = head.partition("=")
    return Taint(key, value, effect)
