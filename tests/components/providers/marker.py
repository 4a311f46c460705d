"""A resource that creates a file, so that a test sees when the resource was created."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import pulumi
from pulumi.dynamic import DiffResult

from components.providers.base import ProvidedResource, Provider


class MarkerInputs(TypedDict):
    file: str


class MarkerProvider(Provider[MarkerInputs, MarkerInputs]):
    """Creates the file once."""

    def _create(self, inputs: MarkerInputs) -> MarkerInputs:
        Path(inputs["file"]).touch()
        return inputs

    def _diff(self, olds: MarkerInputs, news: MarkerInputs) -> DiffResult:
        return DiffResult(changes=olds["file"] != news["file"])


@dataclass(frozen=True)
class MarkerArgs:
    file: str


class Marker(ProvidedResource, module="kubeadm-fleet", name="Marker"):
    """A file that exists once this resource does."""

    def __init__(self, name: str, args: MarkerArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(MarkerProvider(), name, args, opts)
