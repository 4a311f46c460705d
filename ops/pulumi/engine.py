"""The engine for one stack: its record, its lock, its outputs."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from model.files import locked
from ops.pulumi import locks
from ops.pulumi.cli import PARALLEL, UNATTENDED, PulumiCli, PulumiError
from ops.pulumi.deployment import Deployment
from ops.pulumi.locks import Lock
from ops.pulumi.stack_file import read, refresh, require_stack_file
from ops.pulumi.workspace import Workspace

# A create that was interrupted is done again by the next `up`: there is nothing to import.
OWN_OPTIONS = {"refresh": ("--clear-pending-creates",)}


class Engine:
    """Runs pulumi with the environment of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._cli = PulumiCli(workspace.project, workspace.environment())

    def exists(self) -> bool:
        """Whether the backend has a record of the stack."""
        if not self.workspace.external_backend and not self.workspace.backend.is_dir():
            return False
        stacks = json.loads(self._cli.capture("stack", "ls", "--json"))
        # A stack in Pulumi Cloud is listed as organisation/stack.
        return self.workspace.stack in {entry["name"].rpartition("/")[2] for entry in stacks}

    def prepare(self, *, create: bool = False) -> bool:
        """Update the stack file that the engine reads; return whether the stack exists.

        With `create`, a missing stack is created in the backend, with its folders and passphrase.
        """
        workspace = self.workspace
        if workspace.external_backend:
            if self.exists():
                return True
            if create:
                if workspace.tracked_config.is_file():
                    # The engine rewrites the file with what it read.
                    read(workspace.tracked_config)
                self._cli.capture("stack", "init", "--no-select", workspace.stack)
            return create
        require_stack_file(workspace.tracked_config)
        if not create and not self.exists():
            return False
        workspace.prepare()
        with locked(workspace.folder):
            refresh(workspace)
            if not self.exists():
                # In the folder of the private copy: the salt is written into the file there.
                folder = workspace.config_folder
                self._cli.capture("stack", "init", "--no-select", workspace.stack, folder=folder)
        return True

    def run(self, *arguments: str) -> None:
        """Run a command on this terminal.

        Raises PulumiError on failure; if a lock is the cause, the error says how to clear it.
        """
        try:
            self._cli.run(*arguments)
        except PulumiError as error:
            raise PulumiError(
                "\n".join([str(error), *(lock.text for lock in self.locks())]), error.status
            ) from None

    def follow(
        self,
        verb: str,
        *options: str,
        output: IO[Any],
        events: Path,
        on_events: Callable[[Sequence[Mapping[str, Any]]], None],
        on_interrupt: Callable[[], None],
    ) -> int:
        """Run `up`, `preview`, `refresh` or `destroy` unattended, and pass on its events."""
        unattended = () if verb == "preview" else UNATTENDED
        always = ("--non-interactive", "--parallel", str(PARALLEL), *OWN_OPTIONS.get(verb, ()))
        return self._cli.follow(
            verb,
            *unattended,
            *always,
            *options,
            output=output,
            events=events,
            on_events=on_events,
            on_interrupt=on_interrupt,
        )

    def remove(self) -> list[Path]:
        """Remove the record of a destroyed stack; return what else was removed with it."""
        # Without --preserve-config it would delete the stack file.
        self._cli.capture("stack", "rm", "--yes", "--preserve-config", self.workspace.stack)
        return self.workspace.remove_backups()

    def outputs(self) -> dict[str, object]:
        """Return the stack's outputs, with secrets in plaintext."""
        found = json.loads(self._cli.capture("stack", "output", "--json", "--show-secrets"))
        return dict(found)

    def deployment(self) -> Deployment:
        """Return the stack's state, with secrets in plaintext."""
        return Deployment(self._cli.capture("stack", "export", "--show-secrets"))

    def locks(self) -> list[Lock]:
        """Return the stack's locks; those of an external backend are not known."""
        workspace = self.workspace
        return [] if workspace.external_backend else locks.read(workspace.backend, workspace.stack)
