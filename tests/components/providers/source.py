"""A resource that gives its value to others, unless it is told to fail."""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from components.providers.base import Provider
from ops.errors import OperatorError

FAIL = "fail"


class SourceProvider(Provider):
    """Fails to become what it is asked to be."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(id_="source", outs={**props, "given": props["value"]})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=olds["value"] != news["value"])

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        if news["value"] == FAIL:
            raise OperatorError("failed as it was told to")
        return UpdateResult(outs={**news, "given": news["value"]})


class Source(Resource, module="kubeadm-fleet", name="Source"):
    """Something whose `given` is known once it is made."""

    given: pulumi.Output[Any]

    def __init__(self, name: str, *, value: Any) -> None:
        super().__init__(SourceProvider(), name, {"value": value, "given": None})
