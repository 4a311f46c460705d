"""What differs between a cluster's previous desired state and its current one."""

from dataclasses import dataclass
from functools import cached_property

from model import rotation_phases
from ops.rollout import documents
from ops.rollout.desired import DesiredCluster
from ops.rollout.inputs import ClusterInputs

TAKEN_BACK = "taken back"


@dataclass(frozen=True)
class ClusterChange:
    """A cluster according to its previous inputs and its current ones."""

    before: DesiredCluster
    after: DesiredCluster

    @classmethod
    def of(cls, olds: ClusterInputs, news: ClusterInputs) -> "ClusterChange":
        """Read the rollout's inputs of the last and of this run."""
        return cls(DesiredCluster.of(olds), DesiredCluster.of(news))

    @cached_property
    def rotations(self) -> dict[str, str]:
        """The phases that changed, by name; TAKEN_BACK if the rotation was given up."""
        before, after = self.before.rotations, self.after.rotations
        return {
            name: after.get(name) or TAKEN_BACK for name in rotation_phases.moved(before, after)
        }

    def reissues(self, name: str) -> bool:
        """Whether certificates are issued again: by another CA, or to be shown otherwise."""
        phases = (self.before.rotations.get(name, ""), self.after.rotations.get(name, ""))
        return phases[0] != phases[1] and rotation_phases.SWITCH in phases

    def finishes(self, name: str) -> bool:
        """Whether the predecessor of a subject is to be trusted no longer."""
        phases = (self.before.rotations.get(name, ""), self.after.rotations.get(name, ""))
        return phases == (rotation_phases.SWITCH, rotation_phases.FINISH)

    @cached_property
    def control_keys(self) -> list[str]:
        """The changed settings of the control plane."""
        keys = documents.changed_keys(self.before.cluster_document, self.after.cluster_document)
        return keys if self.before.patches == self.after.patches else [*keys, "patches"]

    @cached_property
    def restarted_pods(self) -> list[str]:
        """The control plane's pods that its changed settings restart."""
        sections = {key.partition(".")[0] for key in self.control_keys}
        every = not sections <= documents.PODS.keys()
        return [pod for section, pod in documents.PODS.items() if every or section in sections]

    def kubelet_keys_of(self, name: str) -> list[str]:
        """The changed settings of one machine's kubelet, its own ones included."""
        pair = (
            self.before.by_name[name].kubelet_document,
            self.after.by_name[name].kubelet_document,
        )
        if pair not in self._kubelet_keys:
            self._kubelet_keys[pair] = documents.changed_keys(*pair)
        return self._kubelet_keys[pair]

    @cached_property
    def _kubelet_keys(self) -> dict[tuple[str, str], list[str]]:
        return {}
