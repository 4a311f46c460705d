"""What happens on one machine when it is its turn."""

import time
from dataclasses import dataclass

from ops.rollout import readiness
from ops.rollout.cluster_nodes import ClusterNodes
from ops.rollout.diff import Action, ActionKind
from ops.rollout.node_operations import NodeOperations
from ops.rollout.progress import Progress

# kubeadm has a Job done before an upgrade. It leaves that out itself where every Node is cordoned,
# but does not look at taints: where none lets the Job's pod in, it would wait in vain.
# https://github.com/kubernetes/kubeadm/issues/3050
HEALTH_CHECK = "CreateJob"
HEALTH_JOB = {
    "spec": {
        "tolerations": [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    }
}


@dataclass(frozen=True)
class NodeChange:
    """A machine with what is left to be done on it; `serves`: it is Ready, so that it has pods."""

    machine: NodeOperations
    left: tuple[Action, ...]
    serves: bool
    nodes: ClusterNodes
    progress: Progress

    @property
    def kinds(self) -> set[ActionKind]:
        """What is left to be done."""
        return {each.kind for each in self.left}

    @property
    def restarts_services(self) -> bool:
        """Whether anything on the machine is restarted."""
        return bool(self.kinds - {ActionKind.MARKS, ActionKind.UNCORDON})

    def apply(self) -> None:
        """Do everything that is left; the Node is uncordoned only when it is Ready."""
        began = time.monotonic()
        if ActionKind.UPGRADE in self.kinds:
            self._upgrade()
        if ActionKind.REPAIR in self.kinds:
            self._say("putting right what is not as it was made")
            self.machine.run("repair")
        if ActionKind.UPGRADE not in self.kinds:
            self._apply()
        if ActionKind.REGISTER in self.kinds:
            self._register()
        if self.kinds != {ActionKind.MARKS}:
            self._say("waiting for its Node to be Ready")
            readiness.await_ready(self.nodes, [self.machine.name])
        wanted = self.machine.wanted
        self.nodes.set_metadata(wanted.name, wanted.labels, wanted.taints)
        self.nodes.uncordon(self.machine.name)
        self.machine.run("record_applied")
        why = "; ".join(dict.fromkeys(each.why for each in self.left))
        took = time.monotonic() - began
        self.progress.done(self.machine.name, f"done in {took:.1f} s ({why})")

    def _upgrade(self) -> None:
        """Have the wanted version in place of the one that it runs, drained before."""
        wanted = self.machine.wanted
        first = wanted.is_control_plane and self.nodes.recorded_version() != wanted.version
        if first:
            self._say("asking kubeadm whether the cluster can be upgraded")
            can_run = self.nodes.can_take(HEALTH_JOB)
            self.machine.run("check_upgrade", IGNORED_CHECKS="" if can_run else HEALTH_CHECK)
        if self.serves:
            self._say("draining")
            self.nodes.cordon(self.machine.name)
            if stay := self.nodes.drain(self.machine.name):
                text = f"left where they are, since no other Node can take them: {stay}"
                self.progress.done(self.machine.name, text)
        self._say(f"upgrading to {wanted.version}")
        other = "upgrade_control_plane" if wanted.is_control_plane else "upgrade_kubelet"
        self.machine.run("upgrade_first" if first else other)

    def _apply(self) -> None:
        if ActionKind.CONTROL in self.kinds:
            self._say("applying the control plane's settings")
            self.machine.run("apply_control_plane")
        if ActionKind.KUBELET in self.kinds:
            self._say("applying the kubelet's settings")
            self.machine.run("apply_kubelet")

    def _register(self) -> None:
        """Have its Node registered, and the former Node's pods replaced, those of flannel first."""
        self._say("resetting its pod network and restarting the kubelet, so that it registers")
        name = self.machine.name
        former, pods = self.nodes.one(name), self.nodes.former_pods(name)
        self.machine.run("register")
        readiness.await_registered(self.nodes, name, former)
        self.nodes.end_pods(name, pods)

    def _say(self, text: str) -> None:
        self.progress.step(self.machine.name, text)
