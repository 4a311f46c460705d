"""Archives of `fleet support`, as their reader opens them."""

import io
import json
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyrage

from tests.e2e.pulumi_stack import CHECKOUT, PulumiStack


@dataclass(frozen=True)
class Archive:
    """The files of an archive, by path below its folder; how the command ended, and its output."""

    files: dict[str, bytes]
    status: int
    output: str
    seconds: float

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest."""
        document: dict[str, Any] = json.loads(self.files["manifest.json"])
        return document

    def text(self, path: str) -> str:
        """A file, which is text."""
        return self.files[path].decode()

    def items(self, path: str) -> list[dict[str, Any]]:
        """The objects of a list."""
        return list(json.loads(self.files[path])["items"])

    def holding(self, secret: str) -> list[str]:
        """The files that have this text."""
        return [path for path, content in self.files.items() if secret.encode() in content]


def opened(data: bytes) -> dict[str, bytes]:
    """Return what an unencrypted archive has."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        found = {}
        for member in tar.getmembers():
            content = tar.extractfile(member)
            assert content is not None and member.mode == 0o600
            found[member.name.partition("/")[2]] = content.read()
    return found


def archived(stack: PulumiStack, cluster: str, folder: Path, *words: str) -> Archive:
    """Run `fleet support` for a new key, and open what it wrote."""
    key = pyrage.x25519.Identity.generate()
    file = folder / f"{cluster}-{time.monotonic_ns()}.age"
    began = time.monotonic()
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "tests.e2e.command", str(stack.folder)),
            *("support", cluster, "--stack", stack.name),
            *("--recipient", str(key.to_public()), "--output", str(file), *words),
        ],
        cwd=CHECKOUT,
        env=stack.environment,
        capture_output=True,
        text=True,
    )
    seconds = time.monotonic() - began
    output = f"{ended.stderr}{ended.stdout}"
    assert file.is_file(), output
    assert file.stat().st_mode & 0o777 == 0o600
    files = opened(pyrage.decrypt(file.read_bytes(), [key]))
    return Archive(files, ended.returncode, output, seconds)
