"""A resource that is told something for one run alone, and writes it into a file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import pulumi
from pulumi.dynamic import DiffResult

from components.providers.base import ProvidedResource, Provider, changed, require_present


class WhisperInputs(TypedDict):
    file: str
    version: str
    secret: Any


class WhisperState(TypedDict):
    file: str
    version: str


class WhisperProvider(Provider[WhisperInputs, WhisperState]):
    """Writes the secret when it is created, and for another version."""

    given = ("secret",)

    def _create(self, inputs: WhisperInputs) -> WhisperState:
        Path(inputs["file"]).write_text(inputs["secret"]["said"])
        return inputs

    def _diff(self, olds: WhisperState, news: WhisperInputs) -> DiffResult:
        require_present(news, ("file", "version"))
        return DiffResult(changes=bool(changed(olds, news, ("version",))))

    def _update(self, _olds: WhisperState, news: WhisperInputs) -> WhisperState:
        return self._create(news)


@dataclass(frozen=True)
class WhisperArgs:
    file: str
    version: str
    secret: Any


class Whisper(ProvidedResource, module="kubeadm-fleet", name="Whisper"):
    """Something that was told a secret."""

    def __init__(self, name: str, args: WhisperArgs) -> None:
        secret = pulumi.Output.secret(args.secret)
        super().__init__(WhisperProvider(), name, args, None, secret=secret)
