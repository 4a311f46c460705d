"""A resource that passes its value to others, or fails on request."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import pulumi
from pulumi.dynamic import DiffResult

from components.providers.base import ProvidedResource, Provider
from ops.errors import OperatorError
from ops.wait import NotYet, wait_until

FAIL = "fail"
# Before the path of a file that must exist before it fails.
FAIL_AFTER = "fail after "
PATIENCE_SECONDS = 60


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
        if news["value"].startswith(FAIL_AFTER):
            _await_file(Path(news["value"].removeprefix(FAIL_AFTER)))
        if news["value"].startswith(FAIL):
            raise OperatorError("failed on request")
        return {**news, "given": news["value"]}


def _await_file(path: Path) -> None:
    def exists() -> None:
        if not path.exists():
            raise NotYet(f"{path} is missing")

    wait_until(exists, PATIENCE_SECONDS, OperatorError)


@dataclass(frozen=True)
class SourceArgs:
    value: Any


class Source(ProvidedResource, module="kubeadm-fleet", name="Source"):
    """Something whose `given` is known once it is made."""

    given: pulumi.Output[Any]

    def __init__(self, name: str, args: SourceArgs) -> None:
        super().__init__(SourceProvider(), name, args, None)
