"""Load the raw config into a fleet, or report all of its problems together."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from model import (
    access,
    cluster_machines,
    hand_off_settings,
    rollout_strategy,
    security_settings,
)
from model.certificate_lifetimes import Lifetimes
from model.config.address_blocks import GATEWAY
from model.config.authentication import Issuer as IssuerConfig
from model.config.components import ApiServer, ControllerManager, Scheduler
from model.config.defaults import EffectiveCertificates, EffectiveCluster
from model.config.durations import parse_seconds
from model.config.errors import ConfigError
from model.config.parse import read
from model.config.resolved_cluster import ResolvedCluster
from model.fleet import Artifacts, Cluster, Component, Fleet, Volume
from model.issuer import Issuer
from model.outbound import Mirror, Outbound
from model.people import how_to_grant
from model.plural import counted
from model.rules import (
    artifacts,
    authentication,
    certificates,
    hand_off,
    names,
    network_overlaps,
    node_ports,
    node_shares,
    nodes,
    outside_addresses,
    overrides,
    people,
    pools,
    proxy,
    restore,
    security,
    subnets,
    waves,
    workloads,
)
from model.rules import (
    cluster as rules,
)
from model.rules import (
    endpoint as endpoint_rules,
)
from model.rules.issue import Issue

MOST_WARNINGS = 8


def load(raw: object) -> Fleet:
    """Return the fleet described by `raw` (the parsed config value).

    Raises ConfigError with every problem found, before anything is created or changed.
    """
    clusters = resolve(raw)
    people = access.people_of(clusters)
    return Fleet(tuple(map(_cluster, clusters)), people, overrides.warnings(clusters))


def warnings(fleet: Fleet) -> list[str]:
    """Return warnings about settings that are valid, but probably not intended, one text each.

    Of a large fleet, only the first about networks are described, and the others are counted.
    """
    shares = (node_shares.warning(cluster) for cluster in fleet.clusters)
    found = [*network_overlaps.warnings(fleet), *filter(None, shares)]
    texts = [str(problem) for problem in found[:MOST_WARNINGS]]
    if more := len(found) - len(texts):
        texts.append(f"{counted(more, 'more warning')} of this kind: fix the ones above first")
    return [*texts, *fleet.unmatched_overrides, *revocations(fleet)]


def revocations(fleet: Fleet) -> Iterator[str]:
    """Yield who is in the config and has no access because it was revoked, a text for each."""
    clusters: dict[str, list[str]] = {}
    for cluster in fleet.clusters:
        for name in cluster.revoked:
            clusters.setdefault(name, []).append(cluster.name)
    for name, its in sorted(clusters.items()):
        yield (
            f"people.users.{name}: revoked, and still in the config: {name} has no access to "
            f"{', '.join(its)}. {how_to_grant(name)}"
        )


def resolve(raw: object) -> tuple[ResolvedCluster, ...]:
    """Return the clusters of a valid config, with the origin of each setting (`explain`).

    Raises ConfigError as `load` does.
    """
    parsed = read(raw)
    problems = list(parsed.problems)
    if parsed.config is None:
        raise ConfigError(problems)
    fleet = parsed.config
    clusters = tuple(ResolvedCluster(*item, fleet) for item in fleet.clusters.items())
    for issue in _issues(clusters):
        if not parsed.rests_on_placeholder(issue.sources):
            problems.append(issue.problem)
    if problems:
        # A problem in inherited settings is found once per cluster.
        raise ConfigError(list(dict.fromkeys(problems)))
    return clusters


def _issues(clusters: Sequence[ResolvedCluster]) -> Iterator[Issue]:
    for cluster in clusters:
        yield from rules.check_cluster(cluster)
        yield from endpoint_rules.check_cluster(cluster)
        yield from proxy.check_cluster(cluster)
        yield from artifacts.check_cluster(cluster)
        yield from certificates.check_cluster(cluster)
        yield from authentication.check_cluster(cluster)
        yield from security.check_cluster(cluster)
        yield from workloads.check_cluster(cluster)
        yield from subnets.check_cluster(cluster)
        yield from node_shares.check_cluster(cluster)
        yield from outside_addresses.check_cluster(cluster)
        yield from node_ports.check_cluster(cluster)
        yield from nodes.check_cluster(cluster)
        yield from pools.check_cluster(cluster)
        yield from restore.check_cluster(cluster)
    yield from names.check_fleet(clusters)
    yield from subnets.check_fleet(clusters)
    yield from waves.check_fleet(clusters)
    yield from overrides.check_fleet(clusters)
    yield from people.check_fleet(clusters)
    yield from hand_off.check_fleet(clusters)


def _cluster(cluster: ResolvedCluster) -> Cluster:
    settings = cluster.settings
    endpoint, snapshot = cluster.endpoint, cluster.snapshot
    assert endpoint is not None, "the rules require one"
    host, _, port = endpoint.rpartition(":")
    subnet = settings.machines.subnet if cluster.driver == "container" else None
    machines = cluster_machines.of(cluster)
    return Cluster(
        name=cluster.name,
        labels=settings.labels,
        kubernetes_version=settings.kubernetes_version,
        endpoint_host=host,
        endpoint_port=int(port),
        vip=cluster.vip,
        pod_subnet=settings.networking.pod_subnet,
        node_cidr_mask_size=settings.networking.node_cidr_mask_size,
        service_subnet=settings.networking.service_subnet,
        networks_shared=settings.networks.shared,
        dns_domain=settings.networking.dns_domain,
        network=settings.network,
        network_policy=settings.networking.network_policy,
        metrics_server=settings.metrics_server,
        protect=settings.protect,
        driver=cluster.driver,
        container_subnet=subnet,
        container_gateway=subnet.network_address + GATEWAY if subnet else None,
        artifacts=Artifacts(
            settings.artifacts.source, settings.artifacts.mirror, settings.artifacts.sums
        ),
        outbound=_outbound(settings),
        control_planes=machines[: cluster.control_planes.size],
        workers=machines[cluster.control_planes.size :],
        upgrade=rollout_strategy.of(cluster),
        lifetimes=_lifetimes(settings.certificates),
        rotations=cluster.rotations,
        data_loss=snapshot.acknowledgement
        if snapshot
        else settings.control_planes.accept_data_loss,
        snapshot=snapshot,
        kubelet=settings.kubelet,
        api_server=_api_server(settings.api_server),
        controller_manager=_component(settings.controller_manager),
        scheduler=_component(settings.scheduler),
        etcd=Component(settings.etcd.extra_args),
        security=security_settings.of(settings.security),
        issuers=tuple(map(_issuer, settings.authentication.issuers)),
        access=access.access_to(cluster),
        revoked=access.revoked_in(cluster),
        bindings=access.bindings_in(cluster),
        registrations=hand_off_settings.of(settings.hand_off),
    )


def _issuer(issuer: IssuerConfig) -> Issuer:
    return Issuer(
        name=issuer.name,
        url=issuer.url,
        audiences=tuple(issuer.audiences),
        discovery_url=issuer.discovery_url or "",
        certificate_authority=issuer.certificate_authority or "",
        username_claim=issuer.username_claim,
        groups_claim=issuer.groups_claim or "",
        required_claims=issuer.required_claims,
    )


def _api_server(settings: ApiServer) -> Component:
    return replace(_component(settings), cert_sans=tuple(dict.fromkeys(settings.cert_sans or ())))


def _component(settings: ApiServer | ControllerManager | Scheduler) -> Component:
    volumes = tuple(
        Volume(its.name, its.host_path, its.mount_path, its.read_only, its.path_type)
        for its in settings.extra_volumes or ()
    )
    return Component(settings.extra_args, files=settings.files, volumes=volumes)


def _lifetimes(settings: EffectiveCertificates) -> Lifetimes:
    seconds = {name: parse_seconds(value) for name, value in settings}
    return Lifetimes(**{name: timedelta(seconds=value) for name, value in seconds.items()})


def _outbound(settings: EffectiveCluster) -> Outbound:
    """Return the cluster's proxy and mirrors; traffic within the cluster bypasses the proxy."""
    proxy, networking = settings.proxy, settings.networking
    near = (
        *("localhost", "127.0.0.0/8", str(networking.pod_subnet), str(networking.service_subnet)),
        *(".svc", f".{networking.dns_domain}"),
    )
    no_proxy = tuple(dict.fromkeys((*near, *proxy.no_proxy)))
    mirrors = {
        registry: Mirror(mirror.url, mirror.ca, mirror.credentials)
        for registry, mirror in settings.registry_mirrors.items()
    }
    return Outbound(proxy.http, proxy.https, no_proxy, mirrors)
