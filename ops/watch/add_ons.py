"""What is wrong with add-ons: DNS, pod network, kube-proxy, probes, and APIs that pods serve."""

from collections.abc import Iterator

from model.object_drift.judgement import State
from model.status import starting
from model.status.condition import Condition, Severity
from model.watch import finding
from model.watch.finding import Finding
from ops.kube import api_services
from ops.kube.object_status import ADVICE, REASONS
from ops.watch.pods import DNS
from ops.watch.sources import ADD_ONS, COMPONENT, NODES, PODS, REGISTRATIONS
from ops.watch.view import PROBE_TITLE, Limits, View

# Add-ons by the name that tables have.
NETWORKS, PROXY = ("flannel", "Calico"), "kube-proxy"
# It reads what the cluster was made with. `kubeadm init phase addon` would not: it replaces the
# ConfigMap by defaults, without the cluster's endpoint and addresses of pods.
# https://kubernetes.io/docs/reference/setup-tools/kubeadm/kubeadm-upgrade-phase/
RESTORE_PROXY = "kubeadm upgrade node phase addon kube-proxy"
# Longer than a pod takes to be replaced in an orderly way.
POD_HOLD = 12.0
# API servers look every 30 seconds whether they reach one, and so may begin a minute late.
REGISTRATION_HOLD = 60.0


def pods(view: View, _limits: Limits) -> Iterator[Finding]:
    """Yield add-ons that do not work, or are gone, and probes that do not run."""
    dns = [pod for pod in view.pods if pod.app == DNS]
    if not any(pod.ready for pod in dns) and (dns or view.is_probed):
        message = "CoreDNS: no pod is Ready"
        condition = view.condition(Severity.ERROR, "DNSNotReady", message)
        yield finding.of(condition, PODS, hold=POD_HOLD)
    for add_on in view.add_ons:
        if not add_on.is_ready:
            message = f"{add_on.name}: {add_on.ready} of {add_on.desired} pods are Ready"
            condition = view.condition(Severity.WARNING, "AddOnNotReady", message)
            condition = starting.judged(condition, add_on.created, view.now)
            yield finding.of(condition, ADD_ONS, item=add_on.name, hold=POD_HOLD)
    if view.lacks_probe:
        yield _missing_probe(view)
    if view.is_ours and ADD_ONS not in view.unread and any(map(view.has_add_on, NETWORKS)):
        yield from _missing_proxy(view)
    if not view.is_probed:
        return
    probes = {pod.node: pod for pod in view.pods if pod.is_probe}
    for node in view.ready:
        pod = probes.get(node)
        if pod is None or not pod.ready:
            what = "has not reached a Service" if pod else "is not scheduled"
            condition = view.condition(
                Severity.ERROR, "ProbeNotReady", f"its probe pod {what}", node
            )
            yield finding.of(condition, NODES, PODS, COMPONENT(node), hold=POD_HOLD)


def _missing_probe(view: View) -> Finding:
    condition = Condition(
        cluster=view.cluster,
        kind="object",
        name=PROBE_TITLE,
        severity=Severity.WARNING,
        reason=REASONS[State.MISSING],
        message=ADVICE[State.MISSING],
    )
    return finding.of(condition, NODES, ADD_ONS, hold=POD_HOLD)


def _missing_proxy(view: View) -> Iterator[Finding]:
    """Yield that kube-proxy is gone: our pod networks do not replace it, as others may."""
    if view.has_add_on(PROXY):
        return
    message = (
        f"{PROXY}: its DaemonSet is gone, and Services do not follow their pods; `fleet ssh "
        f"CONTROL_PLANE -- {RESTORE_PROXY}` applies it as it was"
    )
    condition = view.condition(Severity.ERROR, "AddOnNotReady", message)
    yield finding.of(condition, NODES, ADD_ONS, item=PROXY, hold=POD_HOLD)


def registrations(view: View, _limits: Limits) -> Iterator[Finding]:
    """Yield aggregated APIs that are not reached, and a certificate that was not renewed."""
    for found in view.registrations or ():
        hold = POD_HOLD if found.lacks_service else REGISTRATION_HOLD
        if wrong := api_services.unavailable(view.cluster, found, view.now):
            yield finding.of(wrong, REGISTRATIONS, item=found.name, hold=hold)
        if wrong := api_services.expiring(view.cluster, found, view.now):
            yield finding.of(wrong, REGISTRATIONS, item=found.name)
