"""One kubeadm cluster, from its machines to readiness.

A cluster depends on no other cluster, so clusters fail independently; only with waves configured do
changes of what runs wait for other clusters, and a new cluster waits for none. Machines are created
in parallel. The cluster is ready when its health check finds nothing missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict, TypeVar

import pulumi

from components.api_server_secrets import secrets_of
from components.baseline import Baseline, BaselineArgs
from components.certificate_expiry import SoonestExpiry, soonest, warn_of_authorities
from components.control_plane import ControlPlane, ControlPlaneArgs
from components.drivers import driver_for
from components.holds import holds_on
from components.metrics_server import MetricsServer, MetricsServerArgs
from components.mirror_credentials import mirror_credentials
from components.network import Network, NetworkArgs
from components.people_access import apply_access, client_authorities
from components.pki import Pki, PkiArgs
from components.providers.health_check import ClusterHealthCheck, ClusterHealthCheckArgs
from components.providers.hold import Hold, longest
from components.providers.manifests import Manifests
from components.providers.rollout import Rollout
from components.providers.ssh_key import SshKey
from components.rollout import rollout_of
from components.sdk import value_of
from components.tool_accounts import tool_accounts
from components.workers import Workers, WorkersArgs
from model.fleet import Cluster as Described
from model.render import kubeconfig as kubeconfigs
from model.render import metrics_server
from model.rotation_phases import CAS, is_under_way
from model.security_exceptions import exceptions
from ops.hosts.inventory import MachineEntry
from ops.kube.cluster_health import ClusterHealth, NodeSummary
from ops.kube.identity import Identity
from ops.rollout.observed import MachineSummary
from ops.rollout.unavailable import Unavailable, sentence

READY_SECONDS = 300
Machines = TypeVar("Machines")


class ClusterSummary(TypedDict):
    """A cluster's status, as the stack's output `clusters` holds it."""

    endpoint: str
    kubernetesVersion: str
    labels: dict[str, str]
    ready: bool
    nodes: list[NodeSummary]
    caFingerprint: str
    caExpires: str
    certificates: NotRequired[SoonestExpiry]
    waiting: NotRequired[Hold]
    unavailable: NotRequired[dict[str, str]]
    rotations: NotRequired[dict[str, str]]


@dataclass(frozen=True)
class ClusterArgs:
    """The configured cluster; `key` logs in to machines that the program creates.

    `secrets` are the config's, by name; `people` are the CA certificates of those who have access.
    `held_by` are the holds of earlier waves: while one of them
    is not empty, neither running machines nor the cluster's own objects are changed.
    """

    cluster: Described
    key: SshKey
    secrets: Mapping[str, pulumi.Output[str]]
    people: pulumi.Output[list[str]]
    held_by: Sequence[pulumi.Output[Hold]]


class Cluster(pulumi.ComponentResource):
    """A cluster: the administrator's `context` (secret) and its parts of the stack's outputs.

    `summary` is the cluster's status; `inventory` (secret) lists its machines and their logins;
    `certificates` are those that its add-ons serve with (PEM), by add-on.
    `changed` is the time of the last change of a running machine or of an object, "" if there was
    none; `health` is the check after it. `unavailable` are the workers that its rollout skipped:
    neither the check nor a wave waits for them. `accounts` are those of the tools that know it.
    """

    pki: Pki
    init: pulumi.CustomResource
    rollout: Rollout
    accounts: dict[str, Manifests]

    context: pulumi.Output[kubeconfigs.Context]
    summary: pulumi.Output[ClusterSummary]
    inventory: pulumi.Output[dict[str, MachineEntry]]
    certificates: pulumi.Output[dict[str, str]]
    identity: pulumi.Output[Identity]
    changed: pulumi.Output[str]
    unavailable: pulumi.Output[dict[str, Unavailable]]
    health: ClusterHealthCheck

    def __init__(
        self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kubeadm-fleet:cluster:Cluster", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        cluster = args.cluster
        self.pki = pki = Pki(f"{name}-pki", PkiArgs(cluster), child)
        clients = client_authorities(pki, args.people)
        secrets = secrets_of(cluster, pki, args.secrets)
        driver = driver_for(cluster, args.key, args.secrets, child)
        control_plane = ControlPlane(
            f"{name}-control-plane", ControlPlaneArgs(cluster, driver, pki, clients, secrets), child
        )
        workers = Workers(f"{name}-workers", WorkersArgs(cluster, driver, pki), child)
        checks = driver.check_ports(child)
        control_plane.join(after=checks)
        self.init = init = control_plane.init
        workers.join(init, after=checks)
        holds = holds_on(init, args.held_by)
        network = Network(f"{name}-network", NetworkArgs(cluster, pki, init, holds), child)
        baseline = Baseline(f"{name}-baseline", BaselineArgs(cluster, pki, init, holds), child)
        apply_access(cluster, pki, init, child)
        self.accounts = tool_accounts(cluster, pki, init, child)
        machines = [*control_plane.machines, *workers.machines]
        applied = [network.objects, *baseline.objects]
        credentials = mirror_credentials(cluster, args.secrets)
        self.rollout = rollout = rollout_of(
            cluster, machines, pki, clients, secrets, applied, holds, credentials, child
        )
        add_ons = _add_ons(cluster, pki, init, rollout, holds, child)
        changes = [rollout.rolled, *(objects.changed for objects in applied)]
        # The check does not wait for add-ons; a wave does not begin before they are changed.
        applied += [add_on.objects for add_on in add_ons.values()]
        changed = pulumi.Output.all(*changes).apply(_latest)
        added = (add_on.objects.changed for add_on in add_ons.values())
        self.changed = pulumi.Output.all(changed, *added).apply(_latest)
        self.unavailable = rollout.unavailable
        self.health = ClusterHealthCheck(
            f"{name}-health",
            ClusterHealthCheckArgs(
                cluster=cluster.name,
                identity=pki.identity,
                nodes=self.unavailable.apply(lambda skipped: _without(cluster, skipped)),
                # It depends on the machines by the rollout.
                machine_ids=value_of(pulumi.Output.all(*[machine.id for machine in machines])),
                rolled=changed,
                deadline_seconds=READY_SECONDS,
            ),
            pulumi.ResourceOptions(parent=self, depends_on=[rollout]),
        )
        self.context = pki.context
        self.identity = pki.identity
        served = {
            add_on: its.certificate.apply(_known_or_empty, run_with_unknowns=True)
            for add_on, its in add_ons.items()
        }
        # Output.all() of nothing is a list.
        self.certificates = pulumi.Output.all(**served) if served else pulumi.Output.from_input({})
        self.summary = pulumi.Output.all(
            observed=self.health.observed.apply(_even_without, run_with_unknowns=True),
            fingerprint=pki.cluster.fingerprint,
            expires=_ca_expiry(cluster, pki),
            found=rollout.found.apply(_known_or_none, run_with_unknowns=True),
            unavailable=self.unavailable.apply(_known_or_none, run_with_unknowns=True),
            rotations=rollout.rotations.apply(
                lambda found: _known_or(cluster.rotations.by_name, found), run_with_unknowns=True
            ),
            served=self.certificates,
            waiting=_all_waiting(rollout.waiting, *(objects.waiting for objects in applied)),
        ).apply(lambda known: _summary(cluster, **known))
        self.inventory = pulumi.Output.all(
            **{machine.name: machine.inventory for machine in machines}
        )
        # In the preview the summary is unknown; what a change weakens is to be seen there.
        weaker = [str(each) for each in exceptions(cluster)]
        self.register_outputs({"summary": self.summary, "exceptions": weaker})


def _without(cluster: Described, skipped: Mapping[str, Unavailable]) -> list[str]:
    """Return the Nodes that the cluster is expected to have now."""
    return [machine.name for machine in cluster.machines if machine.name not in skipped]


def _ca_expiry(cluster: Described, pki: Pki) -> pulumi.Output[str]:
    """Return when the cluster's CA expires; warn of each CA that is to be rotated."""
    authorities = (pki.cluster, pki.etcd, pki.front_proxy)

    def check(expiries: list[str]) -> str:
        known = dict(zip(CAS, expiries, strict=True))
        warn_of_authorities(cluster.name, known, cluster.lifetimes.warn_before)
        return expiries[0]

    return pulumi.Output.all(*(authority.expires for authority in authorities)).apply(check)


def _add_ons(
    cluster: Described,
    pki: Pki,
    init: pulumi.CustomResource,
    rollout: Rollout,
    holds: Sequence[pulumi.Output[Hold]],
    opts: pulumi.ResourceOptions,
) -> dict[str, MetricsServer]:
    """Return the add-ons of the cluster that serve an API, by name."""
    if not cluster.metrics_server:
        return {}
    name = metrics_server.NAME
    args = MetricsServerArgs(cluster, pki, init, rollout, holds)
    return {name: MetricsServer(f"{cluster.name}-{name}", args, opts)}


def _known_or_empty(certificate: str) -> str:
    """Return a certificate; "" if it could not be issued in this run."""
    return "" if pulumi.contains_unknowns(certificate) else certificate


def _known_or_none(machines: dict[str, Machines]) -> dict[str, Machines]:
    """Return what a rollout says of machines; of one that failed, nothing is known."""
    return {} if pulumi.contains_unknowns(machines) else machines


def _known_or(wanted: Mapping[str, str], found: Mapping[str, str]) -> Mapping[str, str]:
    """Return the phases that machines are in; of a rollout that failed, those it was to reach."""
    return wanted if pulumi.contains_unknowns(found) else found


def _even_without(observed: ClusterHealth) -> ClusterHealth:
    """Return the observation, or an empty one if this run could not finish the cluster.

    Otherwise one failed cluster would keep the stack from reporting the others.
    """
    if pulumi.contains_unknowns(observed) and not pulumi.runtime.is_dry_run():
        return {"nodes": [], "missing": ["the run ended before the cluster was checked"]}
    return observed


def _latest(moments: list[str]) -> str:
    """Return the latest of these times (ISO 8601, UTC); "" stands for never."""
    return max(moments)


def _all_waiting(*waiting: pulumi.Output[Hold]) -> pulumi.Output[list[Hold]]:
    known = (output.apply(_waiting_or_failed, run_with_unknowns=True) for output in waiting)
    return pulumi.Output.all(*known)


def _waiting_or_failed(waiting: Hold) -> Hold:
    """Return the hold that a change waits for; one that failed waits for none."""
    if pulumi.contains_unknowns(waiting) and not pulumi.runtime.is_dry_run():
        return {}
    return waiting


def _summary(
    cluster: Described,
    observed: ClusterHealth,
    fingerprint: str,
    expires: str,
    found: dict[str, MachineSummary],
    unavailable: dict[str, Unavailable],
    rotations: Mapping[str, str],
    served: Mapping[str, str],
    waiting: list[Hold],
) -> ClusterSummary:
    summary: ClusterSummary = {
        "endpoint": cluster.server,
        "kubernetesVersion": cluster.kubernetes_version,
        "labels": dict(cluster.labels),
        "ready": not (observed["missing"] or unavailable),
        "nodes": observed["nodes"],
        "caFingerprint": fingerprint,
        "caExpires": expires,
    }
    if first := soonest(found, served):
        summary["certificates"] = first
    if hold := longest(waiting):
        summary["waiting"] = hold
    if unavailable:
        summary["unavailable"] = {name: sentence(worker) for name, worker in unavailable.items()}
    if begun := {name: phase for name, phase in rotations.items() if is_under_way(phase)}:
        summary["rotations"] = begun
    return summary
