"""The location of a stack's records, and the engine's environment for them.

Without a configured backend, the user gets one in the state folder, with a passphrase generated
once. With PULUMI_BACKEND_URL set, everything is left to Pulumi and the user: the tracked stack
file, the passphrase or secrets provider, the login.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from model.paths import FOLDERS, cache_dir, state_dir
from ops.errors import OperatorError
from ops.private_file import create_once
from ops.pulumi.cli import engine_environment

PROJECT = Path(__file__).resolve().parents[2]
_PASSPHRASES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")


@dataclass(frozen=True)
class Workspace:
    """One stack, the folder of its records, and the user's environment variables."""

    stack: str
    folder: Path
    given: Mapping[str, str]
    project: Path = PROJECT

    @property
    def external_backend(self) -> bool:
        """Whether the user configured a backend, which is then used the way Pulumi does."""
        return bool(self.given.get("PULUMI_BACKEND_URL"))

    @property
    def external_passphrase(self) -> bool:
        """Whether the user configured a passphrase, to which tracked secrets may belong."""
        return any(self.given.get(name) for name in _PASSPHRASES)

    @property
    def tracked_config(self) -> Path:
        """The stack file in the checkout."""
        return self.project / f"Pulumi.{self.stack}.yaml"

    @property
    def backend(self) -> Path:
        """The folder of the stacks' records."""
        return self.folder / "backend"

    @property
    def passphrase(self) -> Path:
        """The file with the passphrase of every stack in the backend."""
        return self.folder / "passphrase"

    @property
    def config_folder(self) -> Path:
        """A project folder for Pulumi to write salts and secrets into, instead of the checkout."""
        return self.folder / "config"

    @property
    def config_file(self) -> Path:
        """The stack file that the engine reads."""
        if self.external_backend:
            return self.tracked_config
        return self.config_folder / f"Pulumi.{self.stack}.yaml"

    def environment(self) -> dict[str, str]:
        """Return the engine's environment: tools first in PATH, backend, passphrase and stack."""
        # The stack is passed as PULUMI_STACK, and pulumi rejects both.
        given = {key: value for key, value in self.given.items() if key != "PULUMI_OPTION_STACK"}
        # The engine and the program run in the project's folder, whatever folder this is.
        given |= {key: str(Path(given[key]).absolute()) for key in FOLDERS if given.get(key)}
        wanted = engine_environment(self.project / ".venv", self.given.get("PATH", os.defpath))
        wanted["PULUMI_STACK"] = self.stack
        # The tool chain has every plugin that the program needs.
        wanted["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
        if not self.external_backend:
            wanted["PULUMI_BACKEND_URL"] = f"file://{self.backend}"
            wanted["PULUMI_HOME"] = str(_engine_home(self.folder))
            wanted["PULUMI_OPTION_CONFIG_FILE"] = str(self.config_file)
            if not self.external_passphrase:
                # An empty value, as CI sets for a missing secret, would take precedence over the
                # file.
                given.pop("PULUMI_CONFIG_PASSPHRASE", None)
                wanted["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(self.passphrase)
        return given | wanted

    def prepare(self) -> None:
        """Create the folders and the passphrase; existing ones are kept."""
        if self.external_backend:
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.backend, self.config_folder):
            folder.mkdir(mode=0o700, exist_ok=True)
        if not self.external_passphrase:
            self._reject_lost_passphrase()
            create_once(self.passphrase, secrets.token_urlsafe(32))

    def remove_backups(self) -> list[Path]:
        """Remove the engine's copies of former states of this stack; return those that were there.

        Those in a backend of the user are the user's.
        """
        if self.external_backend:
            return []
        records = self.backend / ".pulumi"
        folders = [
            *sorted(records.glob(f"backups/*/{self.stack}")),
            *sorted(records.glob(f"history/*/{self.stack}")),
        ]
        files = sorted(records.glob(f"stacks/*/{self.stack}.json*.bak*"))
        for folder in folders:
            shutil.rmtree(folder)
        for file in files:
            file.unlink()
        for lock in records.glob(f"locks/*/*/{self.stack}"):
            with suppress(OSError):  # One that is in use is not empty.
                lock.rmdir()
        return [*folders, *files]

    def _reject_lost_passphrase(self) -> None:
        """Raise OperatorError if there are stacks whose passphrase is missing: no other fits."""
        stacks = sorted(path.stem for path in self.backend.glob(".pulumi/stacks/*/*.json"))
        if stacks and not self.passphrase.exists():
            raise OperatorError(
                f"{self.passphrase}, the passphrase of the stacks {', '.join(stacks)}, is missing: "
                "restore it; docs/runbooks/passphrase-lost.md says where to look for it"
            )


def open_workspace(stack: str) -> Workspace:
    """Return the workspace of this user's stack; nothing is created yet."""
    return Workspace(stack, state_dir(), dict(os.environ))


@contextmanager
def temporary_workspace(like: Workspace) -> Iterator[Workspace]:
    """Yield a workspace that leaves nothing behind: for previewing a stack that does not exist."""
    own = ("PULUMI_BACKEND_URL", "PULUMI_ACCESS_TOKEN")
    given = {name: value for name, value in like.given.items() if name not in own}
    with tempfile.TemporaryDirectory(prefix="kubeadm-fleet-preview-") as folder:
        yield Workspace(like.stack, Path(folder), given, like.project)


def _engine_home(folder: Path) -> Path:
    """Return the folder of the engine's plugins: shared, or this user's own for a foreign cache."""
    shared = cache_dir() / "pulumi-home"
    try:
        shared.mkdir(parents=True, exist_ok=True)
    except PermissionError:
        return folder / "pulumi-home"
    return shared if os.access(shared, os.W_OK) else folder / "pulumi-home"
