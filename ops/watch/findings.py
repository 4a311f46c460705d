"""What is wrong in a cluster, judged as `fleet status` does, with what cannot be judged now."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from model import backups
from model.status import starting
from model.status.condition import Condition, Severity
from model.watch import finding
from model.watch.finding import Finding, Snapshot
from ops.kube import host_status, reachability
from ops.kube.cluster_status import DUE_SHARE
from ops.kube.node_status import NO_NETWORK, NOT_READY
from ops.watch import add_ons, edits, skews, slow
from ops.watch.sources import (
    COMPONENT,
    ETCD,
    HOST,
    KUBELET,
    MEASURED,
    MEASUREMENT,
    NETWORK,
    NODES,
    PODS,
    REGISTRATIONS,
    RIGHTS,
    SERVING,
)
from ops.watch.view import Limits, Unmeasured, View

COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
ETCD_COMPONENT = "etcd"
# Longer than a component takes to be replaced in an orderly way.
COMPONENT_HOLD = 8.0
# A kubelet may be restarted.
KUBELET_HOLD = 10.0
# Who is reached by none is known when the logs of all probes were read.
PROBES_HOLD = 10.0
# A rollout leaves Nodes cordoned for minutes.
CORDON_HOLD = 600.0
# A Node that has just joined waits for its pod network.
JOIN_HOLD = starting.LIMIT.total_seconds()
# After each boot a Node waits for its pod network, and was reported as not Ready before.
NETWORK_HOLD = 15.0
HOLDS = {"Cordoned": CORDON_HOLD, "ChangePending": CORDON_HOLD, NO_NETWORK: NETWORK_HOLD}
ETCD_FULL_SHARE = 0.8
MIB = 1 << 20
Judge = Callable[[View, Limits], Iterator[Finding]]


def snapshot(view: View, limits: Limits) -> Snapshot:
    """Judge a view."""
    every = (each for judge in JUDGES for each in judge(view, limits))
    found = [each for each in every if each.severity is not Severity.INFO]
    return Snapshot(tuple(found), frozenset(_unknown(view)))


def _unknown(view: View) -> Iterator[str]:
    """Yield the sources whose findings may be missing although they still hold.

    What a machine has reported holds until it reports again, whatever becomes of its Node.
    """
    yield from view.unread
    yield from map(NETWORK, view.silent_networks)
    yield from _unknown_kubelets(view)
    reporting = {each.node for each in view.hosts if each.is_reporting}
    probes = reachability.current(view.network)
    probing = {probe.node for probe, report in probes.items() if not report.unreadable}
    for node in view.nodes:
        name = node.status.name
        if name not in reporting:
            yield HOST(name)
        if name not in probing or not node.status.ready:
            yield NETWORK(name)
        if not node.status.ready:
            yield COMPONENT(name)
    if view.slow.serving is None:
        yield SERVING
    if not view.slow.etcd_bytes:
        yield ETCD
    if not set(slow.RIGHTS) <= set(view.slow.rights):
        yield RIGHTS
    if view.registrations is None:
        yield REGISTRATIONS
    if not view.is_measured:
        yield MEASURED
    yield from edits.unknown(view)
    yield from skews.unknown(view)


def _unknown_kubelets(view: View) -> Iterator[str]:
    """Yield the sources of kubelets of which it is not known whether anybody reaches them.

    A line of a log that was requested again shows that the API server does.
    """
    heard = {each.node for each in view.hosts} - view.silent_hosts
    heard |= {probe.node for probe in view.network} - view.silent_networks
    for node in view.nodes:
        name, found = node.status.name, view.unmeasured.get(node.status.name)
        if node.status.cordoned:
            continue
        if not node.status.ready or name not in {*heard, *view.cut_off}:
            yield KUBELET(name)
        if found and not found.why and not found.is_heard:
            yield KUBELET(name)
        if not node.status.ready or (found and not found.is_certain):
            yield MEASUREMENT(name)


def _nodes(view: View, _limits: Limits) -> Iterator[Finding]:
    if not view.nodes and NODES not in view.unread:
        yield _about(view, NODES, Severity.ERROR, "NoNodes", "no nodes")
    for node in view.nodes:
        is_joining = starting.is_starting(node.status.created, view.now)
        for condition in node.conditions:
            joins = is_joining and condition.reason in (NOT_READY, NO_NETWORK)
            hold = JOIN_HOLD if joins else HOLDS.get(condition.reason, 0.0)
            yield finding.of(condition, NODES, hold=hold)


def _kubelets(view: View, _limits: Limits) -> Iterator[Finding]:
    """Yield kubelets that cannot be reached, long before their Nodes are no longer Ready.

    A Node that is being replaced or rebooted is cordoned.
    """
    cordoned = {node.status.name for node in view.nodes if node.status.cordoned}
    for node, why in view.cut_off.items():
        if node not in cordoned:
            message = f"the API server does not reach its kubelet: {why}"
            condition = view.condition(Severity.ERROR, "KubeletUnreachable", message, node)
            yield finding.of(condition, NODES, PODS, KUBELET(node), hold=KUBELET_HOLD)
    for node, found in view.unmeasured.items():
        if found.is_certain and node not in cordoned and node not in view.cut_off:
            yield _unmeasured(view, node, found)


def _unmeasured(view: View, node: str, found: Unmeasured) -> Finding:
    """Return what is wrong with a kubelet that metrics-server does not reach."""
    last = f"{found.since:%Y-%m-%d %H:%M:%S} UTC" if found.since else "this watch began"
    if found.why:
        message = (
            f"the API server does not reach its kubelet: {found.why}, and metrics-server has "
            f"measured nothing on it since {last}: check that the kubelet runs, and that other "
            "machines reach port 10250 on it"
        )
        condition = view.condition(Severity.ERROR, "KubeletUnreachable", message, node)
        sources = [NODES, PODS, KUBELET(node)]
    else:
        message = (
            f"metrics-server has measured nothing on it since {last}, though the API server "
            "reaches its kubelet: check that the Node of metrics-server reaches port 10250 on it"
        )
        condition = view.condition(Severity.WARNING, "KubeletNotMeasured", message, node)
        sources = [NODES, PODS, MEASURED, MEASUREMENT(node)]
    return finding.of(condition.model_copy(update={"since": found.since}), *sources)


def _components(view: View, _limits: Limits) -> Iterator[Finding]:
    """Yield components that do not work, on the control planes whose kubelet reports."""
    names = [*COMPONENTS, *([ETCD_COMPONENT] if view.with_component(ETCD_COMPONENT) else [])]
    if not any(view.with_component(name) for name in names):
        return  # Somebody else runs the control plane.
    ready = set(view.ready)
    for node in view.planes:
        if node not in ready:
            continue
        for name in names:
            pods = [pod for pod in view.with_component(name) if pod.node == node]
            if pods and any(pod.ready for pod in pods):
                continue
            waits = next((f": {pod.waits}" for pod in pods if pod.waits), "")
            what = f"{name} is not Ready{waits}" if pods else f"{name} does not run"
            severity = Severity.ERROR if name == ETCD_COMPONENT else Severity.WARNING
            yield finding.of(
                view.condition(severity, "ComponentNotReady", what, node),
                *(NODES, PODS, COMPONENT(node)),
                item=name,
                hold=COMPONENT_HOLD,
            )


def _network(view: View, _limits: Limits) -> Iterator[Finding]:
    """Yield connections that fail between Nodes that are Ready."""
    ready = set(view.ready)
    reports = {probe: report for probe, report in view.network.items() if probe.node in ready}
    if len(reports) < 2:
        return
    hold = PROBES_HOLD if ready & view.silent_networks else 0.0
    _, failed = reachability.judge(list(reports), reports)
    for each in failed:
        condition = Condition(
            cluster=view.cluster,
            kind="Node",
            name=each.nodes[0],
            severity=Severity.ERROR,
            reason="PodsUnreachable",
            since=datetime.fromisoformat(each.since) if each.since else None,
            message=each.text,
        )
        sources = [NODES, PODS, *map(NETWORK, sorted({*each.nodes, *each.reporters}))]
        yield finding.of(condition, *sources, item=">".join(each.nodes), hold=hold)


def _hosts(view: View, limits: Limits) -> Iterator[Finding]:
    now = datetime.now(UTC)
    for reading in view.hosts:
        source = (NODES, PODS, HOST(reading.node))
        if reading.report and reading.is_reporting:
            for each in reading.report.differences:
                condition = host_status.difference(view.cluster, reading.node, each)
                yield finding.of(condition, *source, item=f"{each.kind} {each.name}")
            for name, expires in reading.report.certificates.items():
                if expires - now < limits.certificates:
                    yield _certificate(view, reading.node, name, expires, now)
            if failure := reading.report.backup_failure:
                message = f"the last snapshot of etcd failed: {failure}"
                condition = view.condition(Severity.WARNING, "BackupFailed", message, reading.node)
                yield finding.of(condition, *source)
        else:
            for condition in host_status.conditions(view.cluster, [reading], view.now):
                yield finding.of(condition, *source)


def _certificate(view: View, node: str, name: str, expires: datetime, now: datetime) -> Finding:
    is_over = expires <= now
    condition = view.condition(
        Severity.ERROR if is_over else Severity.WARNING,
        "CertificateExpired" if is_over else "CertificateExpires",
        f"the certificate {name} {'expired' if is_over else 'expires'} at "
        f"{expires:%Y-%m-%d %H:%M} UTC and was not renewed",
        node,
    )
    return finding.of(condition, NODES, PODS, HOST(node), item=name)


def _backup(view: View, _limits: Limits) -> Iterator[Finding]:
    """Yield a snapshot that is overdue, if all control planes of an older cluster say so."""
    now = datetime.now(UTC)
    planes = set(view.planes)
    reports = [report for node, report in view.reports if node in planes]
    created = [node.status.created for node in view.nodes if node.status.name in planes]
    ages = [(now - each).total_seconds() for each in created if each and each.tzinfo]
    if not reports or len(reports) < len(planes):
        return
    if max(ages, default=0.0) < backups.FIRST_SECONDS:
        return
    taken = [report.backup for report in reports if report.backup]
    if any(backups.is_recent(each, now) for each in taken):
        return
    last = f"the last one is from {max(taken):%Y-%m-%d %H:%M} UTC" if taken else "there is none"
    message = f"no control plane has a snapshot of etcd of the last two days: {last}"
    condition = view.condition(Severity.WARNING, "BackupOverdue", message)
    yield finding.of(condition, NODES, PODS, *map(HOST, planes))


def _slow(view: View, _limits: Limits) -> Iterator[Finding]:
    now = datetime.now(UTC)
    if view.slow.serving is not None:
        begin, end = view.slow.serving
        if end - now < (end - begin) * DUE_SHARE:
            message = (
                f"the API server's certificate expires at {end:%Y-%m-%d %H:%M} UTC and was not "
                "renewed"
            )
            yield _about(view, SERVING, Severity.WARNING, "CertificateExpires", message)
    size, quota = view.slow.etcd_bytes, view.quota
    if quota and size > ETCD_FULL_SHARE * quota:
        message = f"etcd's database uses {size // MIB} MiB of its quota of {quota // MIB} MiB"
        condition = view.condition(Severity.WARNING, "EtcdSpace", message)
        yield finding.of(condition, ETCD, PODS)
    for right in (each for each, is_allowed in view.slow.rights.items() if is_allowed):
        message = f"the credential for watching may {right}: use one that only reads"
        condition = view.condition(Severity.WARNING, "MayChange", message)
        yield finding.of(condition, RIGHTS, item=right)


def _about(view: View, source: str, severity: Severity, reason: str, message: str) -> Finding:
    return finding.of(view.condition(severity, reason, message), source)


JUDGES: tuple[Judge, ...] = (
    _nodes,
    _kubelets,
    _components,
    add_ons.pods,
    _network,
    _hosts,
    skews.judge,
    _backup,
    _slow,
    add_ons.registrations,
    edits.judge,
)
