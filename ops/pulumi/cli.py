"""The pulumi CLI, run with one environment for one project."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from model.paths import toolchain_dir
from ops.errors import OperatorError
from ops.interruption import VARIABLE, request
from ops.pulumi.events import EventLog

# Maximum number of concurrent steps: they wait for machines, they do not compute. A rollout may
# take hours, and is no reason for other clusters to wait. What computes has limits of its own
# (ops/hosts: handshakes and transfers).
PARALLEL = 128
POLL_SECONDS = 0.1
EVENT_VERBS = ("up", "preview", "refresh", "destroy")
UNREADABLE_STATE = "incorrect passphrase"
UNATTENDED = ("--yes", "--skip-preview")
QUICK_PIP = Path(__file__).with_name("quick_pip")


class PulumiError(OperatorError):
    """A pulumi command that failed; `status` is its exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def search_path(venv: Path, path: str) -> str:
    """Return PATH for the engine: the tool chain first, then this project's interpreter."""
    return os.pathsep.join([str(toolchain_dir()), str(venv / "bin"), path])


def engine_environment(venv: Path, path: str) -> dict[str, str]:
    """Return the environment variables common to all runs of the engine."""
    return {
        "PATH": search_path(venv, path),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # Clusters fail independently: an error in one does not keep the others from finishing.
        "PULUMI_CONTINUE_ON_ERROR": "true",
        # Images of containers often set it. The program and its providers would each compile all
        # their modules in each run: two seconds of CPU time.
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(QUICK_PIP), os.environ.get("PYTHONPATH")))),
        # Without it the engine does not know --event-log.
        "PULUMI_DEBUG_COMMANDS": "true",
    }


class PulumiCli:
    """Runs pulumi in `project` with `environment`."""

    def __init__(self, project: Path, environment: Mapping[str, str]) -> None:
        self.project = project
        self.environment = dict(environment)
        found = shutil.which("pulumi", path=self.environment["PATH"])
        if found is None:
            raise OperatorError("pulumi is not installed: run `fleet build toolchain`")
        self._pulumi = found

    def start(
        self,
        *arguments: str,
        folder: Path | None = None,
        output: IO[Any] | int | None = None,
        events: Path | None = None,
        own_session: bool = False,
        interrupt: Path | None = None,
    ) -> "subprocess.Popen[str]":
        """Start a command; with `output`, nothing reaches the terminal and there are no prompts.

        `events` is the engine's event log; an older one is removed. In its own session, the command
        does not receive the terminal's Ctrl-C. `interrupt` is a file that asks its providers to
        stop (ops/interruption.py).
        """
        command = [self._pulumi, *arguments]
        if events is not None:
            events.unlink(missing_ok=True)
            command += ["--event-log", str(events)]
        if interrupt is not None:
            interrupt.unlink(missing_ok=True)
        return subprocess.Popen(
            command,
            cwd=folder or self.project,
            env=self.environment | ({VARIABLE: str(interrupt)} if interrupt else {}),
            stdin=None if output is None else subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            start_new_session=own_session,
            text=True,
        )

    def run(self, *arguments: str) -> None:
        """Run a command on this terminal to its end; raise an error if it fails."""
        with TemporaryDirectory(prefix="kubeadm-fleet-") as folder:
            file = Path(folder) / "interrupt"
            with (
                self.start(*arguments, interrupt=file) as process,
                forward_signals(process, lambda: request(file)),
            ):
                status = process.wait()
        if status != 0:
            raise PulumiError(f"pulumi {arguments[0]} failed (exit status {status})", status)

    def follow(
        self,
        *arguments: str,
        output: IO[Any],
        events: Path,
        on_events: Callable[[Sequence[Mapping[str, Any]]], None],
        on_interrupt: Callable[[], None] = lambda: None,
    ) -> int:
        """Run a command to its end, pass on its events as they arrive, return its exit status."""
        log = EventLog(events)
        interrupt = events.with_name("interrupt")

        def stop() -> None:
            request(interrupt)
            on_interrupt()

        process = self.start(*arguments, output=output, events=events, interrupt=interrupt)
        with process, forward_signals(process, stop):
            status = None
            while status is None:
                status = _ended(process)
                on_events(list(log.read()))
        return status

    def capture(self, *arguments: str, folder: Path | None = None, stdin: str | None = None) -> str:
        """Run a command and return its output, which may be secret."""
        done = subprocess.run(
            [self._pulumi, *arguments],
            cwd=folder or self.project,
            env=self.environment,
            stdin=subprocess.DEVNULL if stdin is None else None,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            reason = explained(done.stderr.strip())
            raise PulumiError(f"pulumi {' '.join(arguments)} failed: {reason}", done.returncode)
        return done.stdout


def explained(text: str) -> str:
    """Add to pulumi's own error what its user can do about it."""
    if UNREADABLE_STATE not in text:
        return text
    return f"{text}\nSee docs/runbooks/passphrase-lost.md."


def _ended(process: "subprocess.Popen[str]") -> int | None:
    try:
        return process.wait(POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return None


@contextmanager
def forward_signals(
    process: "subprocess.Popen[str]", on_interrupt: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Let pulumi end by itself when this run is to stop: killed, it would leave its lock behind.

    The terminal's Ctrl-C reaches pulumi too; a request to terminate is forwarded as an interrupt.
    """

    def interrupted(*_: object) -> None:
        on_interrupt()

    def passed_on(*_: object) -> None:
        process.send_signal(signal.SIGINT)
        on_interrupt()

    before = [
        signal.signal(signal.SIGINT, interrupted),
        signal.signal(signal.SIGTERM, passed_on),
    ]
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])
