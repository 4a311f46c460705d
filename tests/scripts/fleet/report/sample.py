"""A fleet that does not exist, with something of everything that a report can say."""

from datetime import UTC, datetime, timedelta

from model.cis.report import Summary
from model.fleet_report import assembly
from model.fleet_report.assembly import Read
from model.fleet_report.document import FleetReport, Source, SourceState
from model.fleet_report.highlights import AuditHighlight, AuditHighlights, AuditTotal
from model.fleet_report.reduced import (
    CertificateDate,
    CertificateDates,
    CisOverview,
    FailedItem,
    SavedCluster,
    SavedClusters,
)
from model.pki.ledger import MissingFile, RenewalFailure, Status, Token
from model.report import MachineEntry, Unreadable
from model.status.condition import Condition, Ready, Severity
from model.status.fleet import (
    AddOn,
    Certificate,
    ClusterStatus,
    Count,
    Etcd,
    FleetStatus,
    NodeStatus,
)
from tests.scripts.fleet.report import sample_apis

NOW = datetime(2026, 11, 27, 6, 30, tzinfo=UTC)
DAY = timedelta(days=1)
# Name, environment, region, Nodes, control planes, version.
CLUSTERS = (
    ("amber", "prod", "tokyo", 24, 3, "v1.36.3"),
    ("birch", "prod", "tokyo", 18, 3, "v1.36.3"),
    ("cedar", "prod", "osaka", 12, 3, "v1.36.3"),
    ("delta", "prod", "osaka", 9, 3, "v1.35.7"),
    ("ember", "staging", "tokyo", 6, 3, "v1.36.3"),
    ("fjord", "staging", "osaka", 5, 1, "v1.36.3"),
    ("grove", "dev", "tokyo", 4, 1, "v1.37.0"),
    ("harbor", "dev", "tokyo", 3, 1, "v1.37.0"),
    ("iris", "edge", "sapporo", 3, 1, "v1.36.3"),
    ("juniper", "edge", "nagoya", 3, 3, "v1.36.3"),
    ("kelp", "edge", "fukuoka", 3, 3, "v1.36.3"),
    ("lotus", "edge", "sendai", 3, 3, "v1.36.3"),
)
EXEMPT = (
    "security.podSecurity.exemptNamespaces is storage: pods in these namespaces may take over "
    "their Nodes"
)
UNRESTRICTED = "networking.networkPolicy is none: NetworkPolicy objects have no effect"


def condition(
    cluster: str, severity: Severity, reason: str, message: str, **more: str
) -> Condition:
    return Condition(
        cluster=cluster,
        severity=severity,
        reason=reason,
        message=message,
        since=NOW - 5 * timedelta(hours=1),
        kind=more.get("kind", ""),
        name=more.get("name", ""),
    )


CONDITIONS = {
    "iris": [
        condition(
            "iris",
            Severity.ERROR,
            "APIUnreachable",
            "API unreachable: no answer within 60 s: see docs/runbooks/api-unavailable.md",
        ),
    ],
    "fjord": [
        condition(
            "fjord",
            Severity.ERROR,
            "NotReady",
            "Kubelet stopped posting node status.",
            kind="Node",
            name=f"fjord-worker-{index}",
        )
        for index in range(2)
    ]
    + [
        condition(
            "fjord",
            Severity.WARNING,
            "AddOnNotReady",
            "1 of 2 pods are ready",
            kind="AddOn",
            name="CoreDNS",
        ),
    ],
    "delta": [
        condition(
            "delta",
            Severity.WARNING,
            "EtcdSpace",
            "etcd uses 1.7 of 2.0 GiB: see docs/runbooks/etcd-full.md",
            kind="etcd",
            name="etcd",
        ),
    ],
    "cedar": [
        condition(
            "cedar",
            Severity.WARNING,
            "HostDrift",
            "sysctl net.ipv4.ip_forward is 0, declared is 1: repaired by `fleet refresh` and "
            "`fleet up`",
            kind="Node",
            name=f"cedar-{index}",
        )
        for index in range(4, 6)
    ],
    "ember": [
        condition(
            "ember",
            Severity.WARNING,
            "HostDrift",
            "file /etc/containerd/config.toml is not as it was applied: repaired by "
            "`fleet refresh` and `fleet up`",
            kind="Node",
            name="ember-4",
        ),
    ],
    "harbor": [
        condition(
            "harbor",
            Severity.WARNING,
            "PodsUnreachable",
            "pods on harbor-worker-1 cannot reach pods on harbor-worker-0 (10.244.2.5): see "
            "docs/runbooks/pods-unreachable.md",
            kind="Node",
            name="harbor-worker-1",
        ),
    ],
}


def cluster(
    name: str, environment: str, region: str, nodes: int, planes: int, version: str
) -> ClusterStatus:
    """A cluster of the table."""
    lost = sum(
        each.kind == "Node" and each.reason == "NotReady" for each in CONDITIONS.get(name, [])
    )
    reachable = name != "iris"
    kubelets = [version] if name != "delta" else ["v1.35.7", "v1.35.6"]
    return ClusterStatus(
        name=name,
        labels={"environment": environment, "region": region},
        server=f"https://api.{name}.example:6443",
        reachable=reachable,
        as_of=NOW if reachable else NOW - 7 * timedelta(hours=1),
        version=version,
        kubelet_versions=kubelets,
        nodes_ready=Count(ready=nodes - lost, total=nodes),
        control_planes=Count(ready=planes, total=planes),
        etcd=Etcd(
            members=planes, leader="10.0.0.1", size_bytes=90 << 20, quota_bytes=2 << 30, alarms=[]
        ),
        add_ons=[
            AddOn(name=add_on, ready=2, desired=2, version=tag)
            for add_on, tag in (
                ("CoreDNS", "v1.14.3"),
                ("kube-proxy", version),
                ("flannel", "v0.28.7"),
            )
        ],
        network=Ready.TRUE,
        certificate=Certificate(subject="API server", expires=NOW + 200 * DAY),
        nodes=[
            NodeStatus(
                name=f"{name}-{index}",
                roles=[],
                ready=True,
                version=kubelets[index % len(kubelets)],
                runtime="containerd://2.2.1",
                kernel="6.1.0-41-amd64" if index % 5 else "6.1.0-40-amd64",
                os="Debian GNU/Linux 12 (bookworm)",
            )
            for index in range(nodes)
        ]
        if reachable
        else [],
        conditions=CONDITIONS.get(name, []),
        exceptions=[
            *([EXEMPT] if environment == "edge" else []),
            *([UNRESTRICTED] if environment == "dev" else []),
        ],
    )


def _certificates() -> CertificateDates:
    dates = []
    for index, (name, _, _, nodes, planes, _) in enumerate(CLUSTERS):
        if name == "iris":
            continue
        leaf = NOW + (95 + index * 19) * DAY
        for title, days in (("apiserver", 0), ("etcd-server", 3), ("admin", 9)):
            dates.append(
                CertificateDate(
                    cluster=name,
                    name=title,
                    kind="leaf",
                    expires=leaf + days * DAY,
                    status=Status.VALID,
                    count=planes,
                )
            )
        dates.append(
            CertificateDate(
                cluster=name,
                name="kubelet-server",
                kind="leaf",
                expires=leaf + 40 * DAY,
                status=Status.VALID,
                count=nodes,
            )
        )
        dates.append(
            CertificateDate(
                cluster=name,
                name="ca",
                kind="authority",
                expires=NOW + (300 if name == "cedar" else 3300) * DAY,
                status=Status.EXPIRING if name == "cedar" else Status.VALID,
                count=1,
            )
        )
        dates.append(
            CertificateDate(
                cluster=name,
                name="hana",
                kind="kubeconfig",
                expires=NOW + 9 * DAY / 10,
                status=Status.VALID,
                count=1,
            )
        )
    dates += [
        CertificateDate(
            cluster="fjord",
            name="kubelet-client",
            kind="leaf",
            expires=NOW - 2 * DAY,
            status=Status.EXPIRED,
            count=2,
        ),
        CertificateDate(
            cluster="delta",
            name="front-proxy-client",
            kind="leaf",
            expires=NOW + 11 * DAY,
            status=Status.EXPIRING,
            count=1,
        ),
    ]
    return CertificateDates(
        from_machines=True,
        dates=tuple(sorted(dates, key=lambda each: each.expires)),
        missing=(
            MissingFile(
                cluster="delta",
                node="delta-control-plane-2",
                name="etcd-healthcheck",
                path="/etc/kubernetes/pki/etcd/healthcheck.crt",
                users=("kube-apiserver",),
            ),
        ),
        failures=(
            RenewalFailure(
                cluster="delta",
                node="delta-control-plane-2",
                subject="run",
                reason="the disk is full",
            ),
        ),
        tokens=tuple(
            Token(
                cluster=name,
                tool="argocd",
                secret=f"amber/argocd/cluster-{name}",
                not_before=NOW + (days - 365) * DAY,
                not_after=NOW + days * DAY,
                status=status,
            )
            for name, days, status in (
                ("kelp", -3, Status.EXPIRED),
                ("juniper", 20, Status.EXPIRING),
                ("birch", 300, Status.VALID),
            )
        ),
    )


def _backups() -> SavedClusters:
    rows = [
        SavedCluster(
            cluster=name,
            node=f"{name}-control-plane-0",
            taken=NOW - (6 * DAY if name == "grove" else timedelta(hours=3 + index)),
            size_bytes=(40 + 11 * index) << 20,
            snapshots=7 * planes,
        )
        for index, (name, _, _, _, planes, _) in enumerate(CLUSTERS)
        if name != "iris"
    ]
    rows.sort(key=lambda each: each.taken or NOW)
    overdue = MachineEntry(cluster="grove", node="grove-control-plane-0")
    return SavedClusters(clusters=tuple(rows), overdue=(overdue,))


def _cis() -> CisOverview:
    names = [row[0] for row in CLUSTERS if row[0] != "iris"]
    failed = (
        FailedItem(
            item="1.1.12",
            title="etcd's data directory belongs to etcd alone",
            remedy="run `fleet up`, which corrects its owner",
            clusters=("delta",),
            nodes=1,
        ),
        FailedItem(
            item="4.2.6",
            title="Kubelets set the kernel's parameters that they need",
            remedy="remove protectKernelDefaults from kubelet",
            clusters=("fjord", "grove"),
            nodes=9,
        ),
        FailedItem(
            item="5.1.1",
            title="Few have the role cluster-admin",
            remedy="bind a smaller role",
            clusters=("birch", "delta", "grove"),
            nodes=0,
        ),
    )
    return CisOverview(
        benchmark="2.0.1",
        clusters=tuple(
            Summary(
                cluster=name,
                passed=96 - (fails := sum(name in each.clusters for each in failed)),
                failed=fails,
                manual=35,
                unknown=0,
            )
            for name in names
        ),
        failed=failed,
    )


def _audit() -> AuditHighlights:
    rows = (
        ("denied", "birch", "ci-deployer", 214, "create deployments shop/web"),
        ("denied", "grove", "yuki", 12, "delete namespaces payments"),
        ("exec", "amber", "hana", 3, "create pods/exec shop/web-7c9f"),
        ("secrets", "amber", "hana", 5, "list secrets shop"),
        ("secrets", "cedar", "ken", 1, "get secrets shop/db-password"),
        ("changes", "birch", "ci-deployer", 88, "patch deployments shop/web"),
        ("changes", "amber", "hana", 14, "update configmaps shop/settings"),
    )
    return AuditHighlights(
        since=NOW - DAY,
        highlights=tuple(
            AuditHighlight(
                question=question,
                cluster=name,
                user=user,
                requests=requests,
                last=NOW - timedelta(minutes=7 * index + 3),
                example=example,
            )
            for index, (question, name, user, requests, example) in enumerate(rows)
        ),
        totals=tuple(
            AuditTotal(question=question, cluster=name, requests=requests)
            for question, name, _, requests, _ in rows
        ),
    )


def statuses() -> FleetStatus:
    return FleetStatus(time=NOW, clusters=[cluster(*row) for row in CLUSTERS])


def read() -> Read:
    silent = Unreadable(cluster="iris", node="iris-control-plane-0", reason="no answer within 60 s")
    sources = [
        Source(name=name, state=SourceState.PARTIAL, unreadable=(silent,))
        for name in assembly.ON_MACHINES
    ]
    return Read(tuple(sources), _certificates(), _backups(), _cis(), _audit())


def former() -> FleetReport:
    """A report of a week before."""
    found = statuses()
    clusters = [
        each.model_copy(
            update={"conditions": [], "exceptions": [], "version": "v1.36.2"}
            if each.name in ("grove", "fjord")
            else {}
        )
        for each in found.clusters
        if each.name != "lotus"
    ]
    before = found.model_copy(update={"clusters": clusters})
    apis = sample_apis.read([row for row in CLUSTERS if row[0] not in ("lotus", "harbor")], NOW)
    return assembly.report("prod", NOW - 7 * DAY, before, read(), apis, is_stack=True)


def report() -> FleetReport:
    """The report that the picture in the README is of."""
    apis = sample_apis.read(CLUSTERS, NOW)
    new = assembly.report("prod", NOW, statuses(), read(), apis, is_stack=True)
    return assembly.compared(new, former(), None)
