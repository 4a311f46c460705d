"""Reasons for an action: observed or recorded state compared with the desired one.

Each function yields reasons as shown to the user; none if the action is not needed.
"""

from collections.abc import Callable, Iterator
from ipaddress import ip_interface

from model.node_metadata import lacking
from model.render import machine_files, restart_markers
from ops.kube.node import Node
from ops.rollout.cluster_change import ClusterChange
from ops.rollout.desired import MISSING, DesiredCluster, DesiredMachine
from ops.rollout.observed import ObservedCluster, ObservedMachine

RUNNING = ("active", "activating", "reloading")
ALWAYS = ("containerd", "kubelet")
PARTS = {
    machine_files.KERNEL: "the kernel settings changed",
    machine_files.CONTAINERD: "containerd's configuration changed",
    machine_files.PROXY: "the proxy changed",
    machine_files.MIRRORS: "the registry mirrors changed",
    machine_files.KUBELET: "the kubelet's unit changed",
    machine_files.KUBELET_PATCH: "its own kubelet settings changed",
    machine_files.KUBEADM: "kubeadm's configuration changed",
    machine_files.AUTHENTICATION: "the issuers of tokens that it accepts changed",
    machine_files.COMPONENTS: "files of control plane components changed",
    machine_files.LOAD_BALANCER: "the load balancer's configuration changed",
    machine_files.UPDATE_POLICY: "what automatic updates leave alone changed",
    machine_files.RENEWAL: "the timer that renews certificates changed",
    machine_files.DRIFT: "the timer that reports drift changed",
}


def changed_files(*parts: str) -> Callable[[ObservedMachine, DesiredMachine], Iterator[str]]:
    """Return a trigger: files of these parts, as they were written last, differ."""

    def reasons(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[str]:
        for part in parts:
            if found.parts.get(part) != wanted.parts.get(part):
                yield PARTS[part]

    return reasons


def mirrors(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[str]:
    """Files of registry mirrors, or the credentials in them, differ."""
    yield from changed_files(machine_files.MIRRORS)(found, wanted)
    if found.credentials != wanted.credentials:
        yield "the credentials of the registry mirrors changed"


def other_version(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[str]:
    """The machine does not have the desired version yet."""
    if wanted.version not in (found.version, found.applied.version):
        yield _version(found, wanted)


def planned_version(was: DesiredMachine, wanted: DesiredMachine, _: ClusterChange) -> Iterator[str]:
    """Another version is desired."""
    if was.version != wanted.version:
        yield f"upgraded from {was.version} to {wanted.version}"


def other_cluster_version(observed: ObservedCluster, cluster: DesiredCluster) -> Iterator[str]:
    """A run was killed after upgrading all control planes, but not the cluster's objects."""
    if observed.version != cluster.version:
        yield f"the cluster's objects are still of {observed.version}"


def other_documents(observed: ObservedCluster, cluster: DesiredCluster) -> Iterator[str]:
    """Machines join with other documents than those that running machines have."""
    if (observed.control, observed.kubelet) != (cluster.control, cluster.kubelet):
        yield "machines would join with settings other than the configured ones"


def unfinished(observed: ObservedCluster, _: DesiredCluster) -> Iterator[str]:
    """A rollout failed or was killed."""
    if observed.unfinished:
        yield observed.unfinished.summary


def never(_found: ObservedMachine, _wanted: DesiredMachine) -> Iterator[str]:
    """No machine needs it: an action of the cluster."""
    return iter(())


def drifted(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[str]:
    """A program, a file or a service changed since the machine was last changed."""
    # A machine already brought to this version has had its program replaced since.
    if found.version != wanted.version and found.applied.version == wanted.version:
        yield _version(found, wanted)
    yield from _files(found)
    for name, state in found.services.items():
        # The services of a virtual address run on some machines only.
        ran = found.applied.services.get(name) in RUNNING or name in ALWAYS
        if ran and state not in RUNNING and name not in found.crashes:
            yield f"{name} is {state}"
    for name, error in found.crashes.items():
        yield f"{name} is crash-looping: {error}"
    for name, what in found.drift.items():
        yield f"{name} {what}"


def exposed_files(found: ObservedMachine, _: DesiredMachine) -> Iterator[str]:
    """Others than root may read or change files of Kubernetes."""
    for why in sorted(set(found.exposed.values())):
        paths = sorted(path for path, its in found.exposed.items() if its == why)
        yield f"{', '.join(paths)}: {why}"


def damaged_images(found: ObservedMachine, _: DesiredMachine) -> Iterator[str]:
    """Images that the machine was sent are no longer there, or may be removed by the kubelet."""
    for state in sorted(set(found.images.values())):
        names = sorted(name for name, its in found.images.items() if its == state)
        yield f"images are {state}: {', '.join(names)}"


def planned_images(was: DesiredMachine, wanted: DesiredMachine, _: ClusterChange) -> Iterator[str]:
    """Its cluster chose something that has images of its own."""
    if added := [name for name in wanted.supplements if name not in was.supplements]:
        yield f"images of {', '.join(added)} are missing"


def control_plane_settings(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[str]:
    """The applied control plane settings differ from the desired ones."""
    if wanted.is_control_plane and found.applied.control != wanted.control:
        yield "the control plane's settings changed"


def planned_control_plane_settings(
    was: DesiredMachine, wanted: DesiredMachine, change: ClusterChange
) -> Iterator[str]:
    """The cluster's document changed."""
    if was.control == wanted.control:
        return
    markers = [key for key in change.control_keys if key.endswith(restart_markers.VARIABLE)]
    if settings := [key for key in change.control_keys if key not in markers]:
        yield f"new settings ({', '.join(settings)})"
    if markers:
        yield "some programs read CAs and keys only when they start"


def kubelet_settings(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[str]:
    """The applied kubelet settings differ from the desired ones."""
    if found.applied.kubelet != wanted.kubelet:
        yield "the kubelet's settings changed"


def planned_kubelet_settings(
    was: DesiredMachine, wanted: DesiredMachine, change: ClusterChange
) -> Iterator[str]:
    """Its kubelet's settings changed, in nothing that the kubelet records."""
    if was.kubelet != wanted.kubelet and was.recorded == wanted.recorded:
        yield f"new kubelet settings ({', '.join(change.kubelet_keys_of(wanted.name))})"


def recorded_settings(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[str]:
    """The kubelet would refuse the desired settings because of its own records."""
    settings_differ = found.applied.kubelet != wanted.kubelet
    if settings_differ and found.applied.recorded != wanted.recorded:
        yield "the kubelet's policies for CPUs or memory changed"


def planned_recorded_settings(
    was: DesiredMachine, wanted: DesiredMachine, change: ClusterChange
) -> Iterator[str]:
    """Its kubelet's settings changed in what the kubelet records."""
    if was.recorded != wanted.recorded:
        yield f"new kubelet settings ({', '.join(change.kubelet_keys_of(wanted.name))})"


def planned_kubelet_patch(
    was: DesiredMachine, wanted: DesiredMachine, _: ClusterChange
) -> Iterator[str]:
    """The machine's own kubelet settings are written in another way, to the same effect."""
    part = machine_files.KUBELET_PATCH
    if was.parts.get(part) != wanted.parts.get(part) and was.kubelet == wanted.kubelet:
        yield PARTS[part]


def not_registered(found: ObservedMachine, _: DesiredMachine) -> Iterator[str]:
    """Its Node is missing, or is not the one for which its pod network was set up."""
    if not found.api_answers:
        return
    if found.node is None:
        yield "its Node is gone"
    elif why := _foreign_network(found, found.node):
        yield why


def other_plugin(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[str]:
    """Another CNI plugin than the desired one connects its pods; one without any has none yet."""
    if found.plugin and wanted.plugin and found.plugin != wanted.plugin:
        yield f"its pods are connected by {found.plugin} instead of {wanted.plugin}"


def planned_other_plugin(
    was: DesiredMachine, wanted: DesiredMachine, _: ClusterChange
) -> Iterator[str]:
    """Another CNI plugin is to connect its pods."""
    if was.plugin and was.plugin != wanted.plugin:
        yield f"pods connected by {wanted.plugin} instead of {was.plugin}"


def security_updates(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[str]:
    """Its system has the security updates of an earlier time; an earlier one takes none back."""
    if found.patched < wanted.security_updates:
        yield f"its system lacks the security updates as of {wanted.security_updates}"


def planned_security_updates(
    was: DesiredMachine, wanted: DesiredMachine, _: ClusterChange
) -> Iterator[str]:
    """Security updates as of a later time are desired; which they are is known on the machine."""
    if was.security_updates < wanted.security_updates:
        yield f"security updates as of {wanted.security_updates}, if there are any"


def cordoned(found: ObservedMachine, _: DesiredMachine) -> Iterator[str]:
    """A rollout cordoned the Node and was killed, or failed."""
    if found.api_answers and found.node is not None and found.node.cordoned:
        yield "an earlier run left it cordoned"


def metadata(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[str]:
    """Its Node's labels or taints differ from the desired ones."""
    node = found.node
    if node is None or not found.api_answers:
        return
    yield from lacking(node.labels, node.taints, wanted.labels, wanted.taints)
    for key in node.our_labels:
        if key in node.labels and key not in wanted.labels:
            yield f"label {key} is no longer configured"
    for taint in node.our_taints:
        if taint in node.taints and taint not in wanted.taints:
            yield f"taint {taint} is no longer configured"


def planned_metadata(
    was: DesiredMachine, wanted: DesiredMachine, _: ClusterChange
) -> Iterator[str]:
    """Other labels or taints are desired."""
    for key, value in wanted.labels.items():
        if was.labels.get(key) != value:
            yield f"label {key}={value}"
    yield from (f"label {key} removed" for key in was.labels if key not in wanted.labels)
    yield from (f"taint {taint}" for taint in wanted.taints if taint not in was.taints)
    yield from (f"taint {taint} removed" for taint in was.taints if taint not in wanted.taints)


def former_versions(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[str]:
    """Files of other versions remain; ignored while the machine itself runs another one."""
    if found.version != wanted.version:
        return
    for version in found.staged:
        if version != wanted.version:
            yield f"{version} is staged but not needed"
    if found.cleanup_pending:
        yield "files of its former version still exist"


def _version(found: ObservedMachine, wanted: DesiredMachine) -> str:
    return f"the kubelet is {found.version or 'missing'} instead of {wanted.version}"


def _files(found: ObservedMachine) -> Iterator[str]:
    if found.is_interrupted:
        yield "an earlier change of it was interrupted"
        return
    for path, total in found.applied.files.items():
        now = found.files.get(path, MISSING)
        if now != total:
            did = "is gone" if now == MISSING else "appeared" if total == MISSING else "was changed"
            yield f"{path} {did}"


def _foreign_network(found: ObservedMachine, node: Node) -> str:
    """Say why its pods are not where the cluster looks for them; "" if they are.

    A Node that was deleted and registered again, or that a restored snapshot records differently,
    has another share of the pod subnet than its machine. Values that do not exist yet are ignored.
    """
    if found.is_registering:
        return "its registration was interrupted"
    former = "its pod network is that of a former registration"
    if found.bridge and node.pod_cidr and str(ip_interface(found.bridge).network) != node.pod_cidr:
        return f"{former}: its pods have {found.bridge}, the Node's share is {node.pod_cidr}"
    if found.vtep and found.vtep != node.vtep:
        known = f"the Node says {node.vtep}" if node.vtep else "the Node does not say so"
        return f"{former}: flannel.1 has {found.vtep}, {known}"
    return ""
