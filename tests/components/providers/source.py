"""A resource that gives its value to others, unless it is told to fail."""

from dataclasses import dataclass
from typing import Any, TypedDict

import pulumi
from pulumi.dynamic import DiffResult

from components.providers.base import ProvidedResource, Provider
from ops.errors import OperatorError

FAIL = "fail"


class SourceInputs(TypedDict):
    value: Any


class SourceState(SourceInputs):
    given: Any


class SourceProvider(Provider[SourceInputs, SourceState]):
    """Fails to become what it is asked to be."""

    def _create(self, inputs: SourceInputs) -> SourceState:
        return {**inputs, "given": inputs["value"]}

    def _diff(self, olds: SourceState, news: SourceInputs) -> DiffResult:
        return DiffResult(changes=olds["value"] != news["value"])

    def _update(self, _olds: SourceState, news: SourceInputs) -> SourceState:
        if news["value"] == FAIL:
            raise OperatorError("failed as it was told to")
        return {**news, "given": news["value"]}


@dataclass(frozen=True)
class SourceArgs:
    value: Any


class Source(ProvidedResource, module="kubeadm-fleet", name="Source"):
    """Something whose `given` is known once it is made."""

    given: pulumi.Output[Any]

    def __init__(self, name: str, args: SourceArgs) -> None:
        super().__init__(SourceProvider(), name, args, None)
