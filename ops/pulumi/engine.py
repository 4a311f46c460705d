"""The pulumi CLI, run for one stack."""

import json
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from model.files import locked
from ops.errors import OperatorError
from ops.pulumi.stack_file import refresh, require_stack_file
from ops.pulumi.workspace import Workspace

# Up to this many steps at once: they wait for machines, they do not compute.
PARALLEL = 32


class PulumiError(OperatorError):
    """A pulumi command that failed; `status` is what this run ends with."""

    def __init__(self, message: str, status: int = 2) -> None:
        super().__init__(message)
        self.status = status


class PulumiCli:
    """Runs pulumi with the environment of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._environment = workspace.environment()
        found = shutil.which("pulumi", path=self._environment["PATH"])
        if found is None:
            raise PulumiError("pulumi is not installed: run `make toolchain`")
        self._pulumi = found

    def exists(self) -> bool:
        """Whether the backend has a record of the stack."""
        if not self.workspace.external_backend and not self.workspace.backend.is_dir():
            return False
        stacks = json.loads(self.capture("stack", "ls", "--json"))
        # A stack in Pulumi Cloud is listed as organisation/stack.
        return self.workspace.stack in {entry["name"].rpartition("/")[2] for entry in stacks}

    def prepare(self, *, create: bool = False) -> bool:
        """Bring the stack file that the engine reads up to date; say whether the stack exists.

        With `create`, a missing stack gets its record, and its folders and passphrase with it.
        """
        workspace = self.workspace
        if workspace.external_backend:
            if self.exists():
                return True
            if create:
                self.run("stack", "init", "--no-select", workspace.stack)
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
                self.capture("stack", "init", "--no-select", workspace.stack, folder=folder)
        return True

    def run(self, *arguments: str) -> None:
        """Run a command on this terminal.

        Raises PulumiError when it fails, with the way out where a lock is the reason.
        """
        status = self._start(arguments, self.workspace.project, capture=False).returncode
        if status != 0:
            hint = "".join(f"\n{lock}" for lock in self.locks())
            raise PulumiError(f"pulumi {arguments[0]} failed (exit status {status}){hint}", status)

    def capture(self, *arguments: str, folder: Path | None = None) -> str:
        """Run a command and give what it printed, which may be secret."""
        done = self._start(arguments, folder or self.workspace.project, capture=True)
        if done.returncode != 0:
            raise PulumiError(
                f"pulumi {' '.join(arguments)} failed: {done.stderr.strip()}", done.returncode
            )
        return done.stdout

    def outputs(self) -> dict[str, object]:
        """Give the stack's outputs, secret ones in plain."""
        found = json.loads(self.capture("stack", "output", "--json", "--show-secrets"))
        return dict(found)

    def locks(self) -> list[str]:
        """Say who holds the stack's lock in the local backend, and how to clear one left behind."""
        workspace = self.workspace
        if workspace.external_backend:
            return []
        folder = workspace.backend / ".pulumi" / "locks"
        return [
            _explain(json.loads(path.read_text()), workspace.stack)
            for path in sorted(folder.glob(f"*/*/{workspace.stack}/*.json"))
        ]

    def _start(
        self, arguments: Sequence[str], folder: Path, *, capture: bool
    ) -> subprocess.CompletedProcess[str]:
        out = subprocess.PIPE if capture else None
        with (
            subprocess.Popen(
                [self._pulumi, *arguments],
                cwd=folder,
                env=self._environment,
                stdout=out,
                stderr=out,
                text=True,
            ) as process,
            _forward_signals(process),
        ):
            stdout, stderr = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)


@contextmanager
def _forward_signals(process: subprocess.Popen[str]) -> Iterator[None]:
    """Let pulumi end by itself when this run is to stop: killed, it would leave its lock behind.

    The terminal's Ctrl-C reaches pulumi too; a request to terminate is passed on as one.
    """

    def passed_on(*_: object) -> None:
        process.send_signal(signal.SIGINT)

    before = [
        signal.signal(signal.SIGINT, signal.SIG_IGN),
        signal.signal(signal.SIGTERM, passed_on),
    ]
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])


def _explain(lock: dict[str, object], stack: str) -> str:
    pid = int(str(lock["pid"]))
    holder = f"{lock['username']}@{lock['hostname']}, process {pid}, since {lock['timestamp']}"
    if lock["hostname"] != socket.gethostname():
        state = f"locked by {holder}. If that run is over"
    elif _alive(pid):
        return f"The stack {stack} is locked by {holder}, which is still running: wait for it."
    else:
        state = f"locked by {holder}, which is no longer running"
    command = f"fleet pulumi --stack {stack} cancel --yes"
    return f"The stack {stack} is {state}: clear the lock with\n  {command}"


def _alive(pid: int) -> bool:
    """Whether the process runs pulumi: a dead one that nobody waited for has no program."""
    try:
        return Path(f"/proc/{pid}/exe").readlink().name == "pulumi"
    except PermissionError:
        return True
    except OSError:
        return False
