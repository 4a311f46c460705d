"""Machines without a machine: a box, and its join, which registers a Node as a file."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import pulumi
from pulumi.dynamic import DiffResult

from components.providers.base import ProvidedResource, Provider
from ops.errors import OperatorError
from ops.kube.turns import coming_back

# How long the new kubelet takes until its Node is Ready.
JOIN_SECONDS = 0.3


class BoxInputs(TypedDict):
    size: str


class BoxProvider(Provider[BoxInputs, BoxInputs]):
    """Another size is another box."""

    def _create(self, inputs: BoxInputs) -> BoxInputs:
        return inputs

    def _diff(self, olds: BoxInputs, news: BoxInputs) -> DiffResult:
        other = olds["size"] != news["size"]
        return DiffResult(
            changes=other, replaces=["size"] if other else [], delete_before_replace=True
        )


@dataclass(frozen=True)
class BoxArgs:
    size: str


class Box(ProvidedResource, module="kubeadm-fleet", name="Box"):
    """A machine."""

    def __init__(self, name: str, args: BoxArgs) -> None:
        super().__init__(BoxProvider(), name, args, None)


class JoinInputs(TypedDict):
    file: str
    machine_id: str
    membership: str


class JoinProvider(Provider[JoinInputs, JoinInputs]):
    """Registers its Node after a while; one whose folder has a file `broken` does not."""

    def _create(self, inputs: JoinInputs) -> JoinInputs:
        time.sleep(JOIN_SECONDS)
        file = Path(inputs["file"])
        with coming_back(file.name):
            if (file.parent / "broken").exists():
                raise OperatorError("the join failed")
            file.touch()
        return inputs

    def _diff(self, olds: JoinInputs, news: JoinInputs) -> DiffResult:
        other = olds["machine_id"] != news["machine_id"]
        return DiffResult(
            changes=other, replaces=["machine_id"] if other else [], delete_before_replace=True
        )


@dataclass(frozen=True)
class JoinArgs:
    file: str
    machine_id: pulumi.Output[str]
    membership: pulumi.Output[str]


class Join(ProvidedResource, module="kubeadm-fleet", name="Join"):
    """A machine's way into the cluster."""

    def __init__(self, name: str, args: JoinArgs) -> None:
        super().__init__(JoinProvider(), name, args, None)
