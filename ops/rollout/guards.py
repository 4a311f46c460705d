"""Unsafe changes, rejected in the preview before anything is touched."""

from collections.abc import Mapping
from typing import Any

import yaml

from model import quorum, version_skew, versions
from model.config.networking import NODE_CIDR_MASK_SIZE
from model.render.kubeadm import MASK_FLAG
from ops.errors import OperatorError
from ops.rollout import encryption_guards
from ops.rollout.cluster_change import ClusterChange
from ops.rollout.desired import DesiredCluster, DesiredMachine
from ops.rollout.observed import MachineSummary

# Settings that kubeadm wrote into the cluster permanently, and their names in the config.
FIXED = {
    "controlPlaneEndpoint": "endpoint",
    "networking.podSubnet": "networking.podSubnet",
    "networking.serviceSubnet": "networking.serviceSubnet",
    "networking.dnsDomain": "networking.dnsDomain",
}


def reject_unsafe(
    change: ClusterChange, found: Mapping[str, MachineSummary], recorded: str
) -> None:
    """Raise OperatorError if the recorded cluster cannot be changed safely to the desired one.

    `found` is what the last run saw of its machines. `recorded` is the version that the cluster
    itself records during an unfinished upgrade, "" if there is none: it cannot be taken back, and
    machines join with it.
    """
    before, after = change.before, change.after
    current = recorded or before.version
    for version in dict.fromkeys((before.version, current)):
        if reason := version_skew.problem(version, after.version):
            raise OperatorError(f"cluster {after.name}: {reason}")
    _reject_immutable_changes(before, after)
    _reject_other_names(before, after)
    _reject_loss_of_quorum(before, after, found)
    encryption_guards.reject_unreadable(before, after)
    if versions.parse_recorded(current).minor != versions.parse(after.version).minor:
        _reject_joins(before, after, current)


def reject_moved_hosts(change: ClusterChange, hosts: Mapping[str, str]) -> None:
    """Reject a host that moves to another cluster, where it would join before it has left.

    `hosts` are all hosts of the config, by address and by host key, with their machines' names.
    """
    for machine in change.before.machines:
        name = hosts.get(machine.host) or hosts.get(machine.host_key) or machine.name
        if name != machine.name and name not in change.after.by_name:
            raise _renamed(change.before.name, machine.host, machine.name, name)


def _reject_immutable_changes(before: DesiredCluster, after: DesiredCluster) -> None:
    """Reject changes of values in certificates, kubeconfigs and pods: they need a new cluster."""
    stays = any(
        before.ids[plane.name] == after.ids.get(plane.name) for plane in before.control_planes
    )
    former, wanted = (_fixed(yaml.safe_load(state.cluster_document)) for state in (before, after))
    for config, then in former.items():
        if stays and then != wanted[config]:
            raise OperatorError(
                f"cluster {after.name}: {config} is {then or 'unset'} and cannot be changed to "
                f"{wanted[config] or 'unset'} in an existing cluster: revert it, or create another "
                "cluster and move the workloads"
            )


def _fixed(document: Any) -> dict[str, Any]:
    """Return the fixed values of a ClusterConfiguration by their names in the config.

    With another mask size, the controller manager allocates shares that overlap those in use.
    https://github.com/kubernetes/kubernetes/issues/70957
    """
    arguments = _value(document, "controllerManager.extraArgs") or ()
    flags = {argument["name"]: argument["value"] for argument in arguments}
    size = flags.get(MASK_FLAG, str(NODE_CIDR_MASK_SIZE))
    named = {config: _value(document, path) for path, config in FIXED.items()}
    return {**named, "networking.nodeCidrMaskSize": size}


def _value(document: Any, path: str) -> Any:
    for key in path.split("."):
        document = (document or {}).get(key)
    return document


def _reject_other_names(before: DesiredCluster, after: DesiredCluster) -> None:
    """Reject a host under another name, and a name in another role: both are other machines.

    The previous one would leave while the same host joins, or while another Node has its name.
    """
    for machine in after.machines:
        former = before.by_name.get(machine.name)
        if former is not None and former.role != machine.role:
            raise OperatorError(
                f"cluster {after.name}: {machine.name} is a {former.role} and cannot become a "
                f"{machine.role}: {_remedy(machine.name, machine.name)}"
            )
        if former is not None and _is_same_host(former, machine):
            continue
        for other in before.machines:
            if other.name != machine.name and _is_same_host(other, machine):
                raise _renamed(after.name, machine.host, other.name, machine.name)


def _is_same_host(one: DesiredMachine, other: DesiredMachine) -> bool:
    """Whether two machines are one existing host, by its SSH address or its pinned key."""
    return bool(one.host) and (
        one.host == other.host or (bool(one.host_key) and one.host_key == other.host_key)
    )


def _renamed(cluster: str, host: str, former: str, name: str) -> OperatorError:
    return OperatorError(
        f"cluster {cluster}: the host {host} is {former} and cannot become {name}: give it its "
        f"previous name, or {_remedy(former, name)}"
    )


def _remedy(leaving: str, joining: str) -> str:
    return f"remove {leaving} from the config, run `fleet up`, and then add {joining}"


def _reject_joins(before: DesiredCluster, after: DesiredCluster, current: str) -> None:
    """Reject a join with a kubelet newer than the API."""
    joining = [name for name in after.by_name if before.ids.get(name) != after.ids[name]]
    if joining:
        raise OperatorError(
            f"cluster {after.name}: {', '.join(joining)} would join with {after.version} while the "
            f"API is still {current}, and a kubelet must not be newer than its API: change "
            "them in two runs, first the machines, then kubernetesVersion (or the other way round)"
        )


def _reject_loss_of_quorum(
    before: DesiredCluster, after: DesiredCluster, found: Mapping[str, MachineSummary]
) -> None:
    """Reject a loss of etcd quorum; that of an only member is up to initialization.py."""
    was = {plane.name: before.ids[plane.name] for plane in before.control_planes}
    becomes = {plane.name: after.ids[plane.name] for plane in after.control_planes}
    dead = [name for name in was if _is_dead(found.get(name, {}))]
    reason = quorum.refusal(was, becomes, dead)
    if reason and len(was) > 1:
        raise OperatorError(f"cluster {after.name}: {reason}")


def _is_dead(found: MachineSummary) -> bool:
    """Whether the last refresh found the machine unreachable and its Node not Ready."""
    return found.get("reachable") is False and found.get("node") != "ready"
