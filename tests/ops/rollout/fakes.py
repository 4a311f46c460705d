"""A fake cluster: replacements for hosts and API in a rollout."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from model.limits import Limits
from ops.hosts.login import Login
from ops.hosts.session import HostConnection
from ops.kube.errors import Unavailable
from ops.kube.node import Node
from ops.kube.nodes import Pod
from ops.kube.returning import RunningPod
from ops.rollout.cluster_nodes import ClusterNodes
from ops.rollout.desired import DesiredCluster, DesiredMachine
from ops.rollout.node_operations import NodeOperations
from ops.rollout.observed import AppliedState, ObservedCluster, ObservedMachine
from ops.rollout.order import RolloutRun
from ops.rollout.progress import Progress
from ops.rollout.record import RolloutRecord
from tests.ops.rollout.examples import (
    AUTHORITY,
    CLUSTER,
    found,
    inputs,
    issuers,
    serving_certificate,
)


class FakeFleet:
    """Machines that become what operations make of them, and the Nodes that the API would show.

    `calls` are all operations and all changes of a Node, in order; `failing` names those that
    fail, `silent` the machines that have stopped answering. `stay` is what no drain can move.
    """

    def __init__(self, props: Any, like: Mapping[str, ObservedMachine]) -> None:
        self.props = props
        self.found = dict(like)
        self.calls: list[tuple[str, str]] = []
        self.said: list[str] = []
        self.failing: dict[str, Exception] = {}
        self.silent: set[str] = set()
        self.recorded = CLUSTER
        self.record: dict[str, str] | None = None
        self.records: list[dict[str, str]] = []
        former = DesiredCluster.of(inputs())
        self.joining = (former.control, former.kubelet)
        self.published = former.clients
        self.published_front_proxy = former.front_proxy
        self.writer = former.writer
        self.api_answers = True
        self.has_room = True
        self.stay = ""
        self.ignored: set[str] = set()
        self.issued: dict[str, str] = {}
        self.registering: dict[str, Node | None] = {}
        self.patience: dict[str, list[float]] = {}
        self.pending: dict[str, str] = {}
        self.boots: dict[str, int] = {}
        self.reboot_required: set[str] = set()
        self.late_pods: dict[str, int] = {}
        self.stale_nodes: set[str] = set()

    def point(self, what: str) -> None:
        """A moment at which a run may be killed."""

    def call(self, call: str, name: str) -> None:
        self.point(call)
        self.calls.append((call, name))
        if call in self.failing:
            raise self.failing[call]

    def called(self, call: str) -> list[str]:
        """The machines on which it was called."""
        return sorted(name for each, name in self.calls if each == call)

    def of(self, name: str) -> list[str]:
        """What was called on the machine."""
        return [call for call, each in self.calls if each == name]

    def log(self, text: str, *, ephemeral: bool, warning: bool = False) -> None:
        del ephemeral, warning
        self.said.append(text)


@dataclass(frozen=True)
class FakeOperations(NodeOperations):
    """One machine of the fleet."""

    fleet: FakeFleet

    def run(
        self,
        name: str,
        *,
        patience_seconds: float = 0,
        stream: Iterable[bytes] = (),
        **more: str,
    ) -> str:
        del patience_seconds, stream
        fleet, now = self.fleet, self.fleet.found[self.name]
        fleet.call(f"{name} {more['PARTS']}" if "PARTS" in more else name, self.name)
        said = ""
        if name.startswith("upgrade"):
            now = replace(now, version=self.wanted.version, staged=(), cleanup_pending=True)
        elif name == "clean":
            now = replace(now, staged=(), cleanup_pending=False)
        elif name == "record_applied":
            like, was = self.wanted, now.applied
            applied = AppliedState(
                like.version,
                like.control,
                like.kubelet,
                was.services,
                was.files,
                like.recorded,
            )
            now = replace(now, applied=applied)
        elif name == "apply_files":
            now = replace(now, parts=_applied(now.parts, self.wanted.parts, more["PARTS"].split()))
        elif name == "apply_permissions":
            now = replace(now, exposed={})
        elif name == "apply_client_authorities":
            now = replace(now, clients=self.wanted.clients)
        elif name == "apply_api_server_secrets":
            now = replace(now, secrets=self.wanted.secrets)
        elif name == "repair":
            fleet.api_answers = True
            now = replace(now, services=now.applied.services)
        elif name == "issue_invalid_leaves":
            kept = {"kubelet-client"} & now.invalid_certificates.keys()
            now = replace(now, invalid_certificates=dict.fromkeys(kept, "is missing"))
            fleet.api_answers = True
        elif name in ("install_kubelet_certificate", "rotate_kubelet"):
            assert more["KUBELET_CERTIFICATE"].startswith("-----BEGIN CERTIFICATE-----")
            invalid = {**now.invalid_certificates}
            invalid.pop("kubelet-client", None)
            own = {"kubelet-client": issuers(self.wanted)["kubelet-client"]}
            now = replace(
                now,
                invalid_certificates=invalid,
                issuers={**now.issuers, **own},
                kubelet_ca=self.wanted.cluster_ca,
            )
        elif name == "reread_trust":
            now = replace(now, kubelet_ca=self.wanted.cluster_ca)
        elif name in ("apply_trust", "apply_worker_trust"):
            now = replace(now, trust=self.wanted.trust)
        elif name == "renew_former_leaves":
            renewed = {each: issuers(self.wanted)[each] for each in more["FORMER_LEAVES"].split()}
            now = replace(now, issuers={**now.issuers, **renewed})
        elif name in ("stage_patches", "install_patches"):
            said = self._patch(name)
        elif name == "boot_id":
            said = f"{fleet.boots.get(self.name, 0)}\n"
        elif name == "reboot_machine":
            fleet.boots[self.name] = boot = fleet.boots.get(self.name, 0) + 1
            fleet.reboot_required.discard(self.name)
            if self.name not in fleet.stale_nodes:
                now = replace(now, node=now.node and replace(now.node, boot_id=str(boot)))
        elif name == "record_patched":
            now = replace(now, patched=self.wanted.security_updates)
        elif name == "restore_images":
            now = replace(now, images={})
        elif name == "renew_serving":
            fleet.issued[self.name] = more["SERVING_PAIR"]
            now = replace(now, serving=serving_certificate(self.wanted))
        elif name == "register":
            node = found(self.wanted).node
            fleet.registering[self.name] = node and replace(node, ready_since="its restart")
            now = replace(now, plugin=self.wanted.plugin)
        elif name == "upload_configuration":
            fleet.joining = more["CONTROL"], more["KUBELET"]
        if name == "upgrade_first":
            fleet.recorded = CLUSTER.replace("v1.36.3", self.wanted.version)
            # kubeadm writes its ConfigMaps again.
            fleet.joining = ("", "")
        fleet.ignored |= {more["IGNORED_CHECKS"]} if "IGNORED_CHECKS" in more else set()
        fleet.found[self.name] = now
        return said

    def _patch(self, name: str) -> str:
        """What the machine says; a kernel among its pending updates requires a reboot."""
        fleet, lines = self.fleet, []
        update = fleet.pending.get(self.name)
        if update and name == "stage_patches":
            lines = [f"update\t{update} 1 2"]
        elif update:
            del fleet.pending[self.name]
            lines = [f"updated\t{update} 2"]
            if update == "kernel":
                fleet.reboot_required.add(self.name)
        if self.name in fleet.reboot_required:
            lines.append("reboot\tthe system asks for it")
        return "\n".join([*lines, "complete\tyes", ""])

    def inspect(self, *, record_initial: bool, patience_seconds: float) -> ObservedMachine:
        del record_initial
        self.fleet.patience.setdefault(self.name, []).append(patience_seconds)
        if self.name in self.fleet.silent:
            return ObservedMachine(unreachable="no route to host")
        return replace(self.fleet.found[self.name], api_answers=True)


def _applied(
    now: Mapping[str, str], wanted: Mapping[str, str], parts: Iterable[str]
) -> dict[str, str]:
    """Files of which some parts have become what is wanted."""
    kept = {part: digest for part, digest in now.items() if part not in parts}
    return kept | {part: wanted[part] for part in parts if part in wanted}


class FakeNodes(ClusterNodes):
    """The fleet's Nodes."""

    def __init__(self, fleet: FakeFleet) -> None:
        self._fleet = fleet

    def read(self) -> dict[str, Node] | None:
        if not self._fleet.api_answers:
            return None
        for name, node in self._fleet.registering.items():
            self._fleet.found[name] = replace(self._fleet.found[name], node=node)
        return {name: each.node for name, each in self._fleet.found.items() if each.node}

    def answers(self) -> bool:
        return self._fleet.api_answers

    def find_once(self, name: str) -> Node | None:
        found = self.read()
        if found is None:
            raise Unavailable(None, "it does not answer")
        return found.get(name)

    def find(self, name: str) -> Node | None:
        return self._fleet.found[name].node

    def can_take(self, pod: Mapping[str, Any]) -> bool:
        del pod
        return self._fleet.has_room

    def observe_cluster(self) -> ObservedCluster:
        record = self._fleet.record
        unfinished = None if record is None else RolloutRecord.of(record)
        return ObservedCluster(
            self.recorded_version(),
            *self._fleet.joining,
            unfinished,
            self._fleet.published,
            self._fleet.published_front_proxy,
            self._fleet.writer,
        )

    def begin_encryption(self, by: str) -> None:
        self._fleet.point("begin_encryption")
        if by not in (known := self._fleet.writer).split(", "):
            self._fleet.writer = f"{known}, {by}"

    def rewrite_secrets(self, by: str) -> int:
        self._fleet.call("rewrite_secrets", by)
        self._fleet.writer = by
        return 7

    def publish_authorities(self, clients: str, front_proxy: str) -> None:
        assert front_proxy
        self._fleet.calls.append(("publish_client_authorities", clients))
        cluster = DesiredCluster.of(self._fleet.props)
        self._fleet.published = cluster.clients
        self._fleet.published_front_proxy = cluster.front_proxy

    def limited(self, seconds: float) -> ClusterNodes:
        return self

    def unfinished(self) -> RolloutRecord | None:
        return self.observe_cluster().unfinished

    def version_once(self) -> str:
        return self.recorded_version()

    def write_record(self, data: Mapping[str, str]) -> None:
        self._fleet.point("write_record")
        self._fleet.record = dict(data)
        self._fleet.records.append(dict(data))

    def remove_record(self) -> None:
        self._fleet.point("remove_record")
        self._fleet.record = None

    def cluster_document(self) -> str:
        return self._fleet.recorded

    def reject_etcd_alarm(self, cluster: str) -> None:
        del cluster
        if alarm := self._fleet.failing.get("reject_etcd_alarm"):
            raise alarm

    def set_metadata(self, name: str, labels: Mapping[str, str], taints: Iterable[str]) -> None:
        self._fleet.call("set_metadata", name)
        now = self._fleet.found[name]
        assert now.node, "its Node is registered"
        node = replace(now.node, labels=labels, our_labels=tuple(labels), taints=tuple(taints))
        self._fleet.found[name] = replace(now, node=node)

    def cordon(self, name: str) -> None:
        self._fleet.call("cordon", name)
        self._set_cordoned(name, True)

    def uncordon(self, name: str) -> None:
        self._fleet.call("uncordon", name)
        self._set_cordoned(name, False)

    def _set_cordoned(self, name: str, cordoned: bool) -> None:
        now = self._fleet.found[name]
        node = now.node and replace(now.node, cordoned=cordoned)
        self._fleet.found[name] = replace(now, node=node)

    def set_pending(self, name: str, text: str) -> None:
        now = self._fleet.found[name]
        assert now.node, "its Node is registered"
        self._fleet.found[name] = replace(now, node=replace(now.node, pending=text))

    def drain(self, name: str, report: Callable[[str], None]) -> str:
        self._fleet.call("drain", name)
        return self._fleet.stay

    def ready_pods(self, name: str) -> dict[str, RunningPod]:
        return {"uid": RunningPod("kube-system/flannel", frozenset({"c1"}))}

    def missing_pods(self, name: str, before: Mapping[str, RunningPod]) -> list[str]:
        self._fleet.late_pods[name] = left = self._fleet.late_pods.get(name, 0) - 1
        return [pod.title for pod in before.values()] if left >= 0 else []

    def former_pods(self, name: str) -> list[Pod]:
        """Return its pod as of the last reset of the pod network: there is another one then."""
        return [Pod("shop", "web", f"{name}-{self._fleet.of(name).count('register')}")]

    def delete_pods(self, name: str, pods: Iterable[Pod]) -> None:
        assert list(pods) == self.former_pods(name), "no pod outlives the former pod network"
        assert self._fleet.found[name].node, "its Node was awaited"
        self._fleet.call("delete_pods", name)


def alike(props: Any, **changes: Any) -> dict[str, ObservedMachine]:
    """Machines that are what these inputs want, but for the changes."""
    return {each.name: found(each, **changes) for each in DesiredCluster.of(props).machines}


def machines_of(fleet: FakeFleet) -> dict[str, NodeOperations]:
    """What can be done on each machine of the fleet, by its name."""
    cluster = DesiredCluster.of(fleet.props)
    return {
        each.name: FakeOperations(
            each,
            HostConnection(each.name, _login(each)),
            cluster,
            fleet,
            authority=AUTHORITY,
            trust=fleet.props.get("trust", {}),
        )
        for each in cluster.machines
    }


def limits_of(policy: Any) -> Limits:
    """How many workers the policy lets a rollout change at a time."""
    return Limits.read(policy["max_unavailable"], policy["pool_limits"])


def run(fleet: FakeFleet) -> bool:
    """Run the rollout; return whether it changed anything."""
    cluster = DesiredCluster.of(fleet.props)
    rollout = RolloutRun(
        cluster,
        machines_of(fleet),
        FakeNodes(fleet),
        Progress(fleet.log),
        limits=limits_of(fleet.props["policy"]),
    )
    rollout.run()
    return rollout.changed


def _login(wanted: DesiredMachine) -> Login:
    return Login.from_props({"host": wanted.address, "port": 22, "user": "root", "sudo": False})
