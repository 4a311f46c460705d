"""Clones of this checkout with a minimal program, run by the real engine."""

import os
import pty
import re
import signal
import subprocess
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from model.paths import cache_dir
from model.pki import certificates
from tests.scripts.conftest import TOP, copy_checkout

AUTHORITY = certificates.new_authority("kubernetes", timedelta(days=1)).cert_pem
PROGRAM = '''
import pulumi
from slow import Slow

config = pulumi.Config("kubeadm-fleet")
config.require_object("fleet")
for name in ("broken", "slow") if config.get("broken") else ("slow",):
    Slow(name)
pulumi.export("key", config.get_secret("sshPrivateKey"))
pulumi.export("clusters", {"cluster1": {"labels": {"region": "tokyo"}}})
pulumi.export("kubeconfig", pulumi.Output.secret("""
apiVersion: v1
kind: Config
current-context: cluster1-admin
clusters:
- name: cluster1
  cluster: {server: "https://127.0.0.1:1", certificate-authority-data: AUTHORITY}
users: [{name: admin, user: {token: top-secret-token}}]
contexts: [{name: cluster1-admin, context: {cluster: cluster1, user: admin}}]
"""))
'''.replace("AUTHORITY", b64encode(AUTHORITY.encode()).decode())
# While the file named by HOLD exists, a create says that it began and waits; with STOPS, until the
# run is interrupted.
SLOW = """
import os, pathlib, time
from pulumi import dynamic
from ops import interruption

class _Provider(dynamic.ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props):
        if props["name"] == "broken":
            raise ValueError("broken on purpose")
        hold = pathlib.Path(os.environ.get("HOLD", "/nonexistent"))
        deadline = time.monotonic() + 300
        while hold.exists():
            hold.write_text("creating")
            if "STOPS" in os.environ and interruption.is_requested():
                raise interruption.Interrupted("interrupted: it was not made")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{hold} was not removed")
            time.sleep(0.05)
        return dynamic.CreateResult("made", {})

class Slow(dynamic.Resource):
    def __init__(self, name):
        super().__init__(_Provider(), name, {"name": name})
"""
GIT = ("git", "-c", "user.name=test", "-c", "user.email=test@example.com")


@dataclass(frozen=True)
class Clone:
    """One clone, and the user who runs things in it."""

    folder: Path
    state: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path, state: Path, **variables: str) -> "Clone":
        """Make the clone, everything committed, with this checkout's .venv."""
        copy_checkout(folder)
        (folder / ".venv").symlink_to(TOP / ".venv")
        (folder / "__main__.py").write_text(PROGRAM)
        (folder / "slow.py").write_text(SLOW)
        (folder / ".gitignore").write_text(".venv\n/kubeconfig\n/kubeconfigs\n__pycache__/\n")
        for command in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-mclone")):
            subprocess.run([*GIT, *command], cwd=folder, check=True)
        return cls(folder, state, variables)

    @property
    def environment(self) -> dict[str, str]:
        """The user's environment: no Pulumi settings but those of the test."""
        own = {k: v for k, v in os.environ.items() if not k.startswith("PULUMI_")}
        # A separate home, so that the user's ~/.kube/config is not changed.
        return {
            **own,
            "HOME": str(self.state.parent),
            "KUBEADM_FLEET_CACHE": str(cache_dir()),
            "KUBEADM_FLEET_STATE": str(self.state),
            **self.variables,
        }

    @property
    def kubeconfig(self) -> Path:
        """Where the clone's kubeconfig is written."""
        return self.folder / "kubeconfig"

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start `fleet`, in a process group of its own."""
        return self.start_command(".venv/bin/fleet", *arguments)

    def start_command(self, *command: str) -> "subprocess.Popen[str]":
        """Start any command in the clone."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def fleet(self, *arguments: str, stdin: str = "", status: int = 0) -> str:
        """Run `fleet` to its end and give what it printed."""
        return finish(self.start(*arguments), stdin=stdin, status=status)

    def changed_files(self) -> str:
        """What git sees as changed or new."""
        return subprocess.run(
            [*GIT, "status", "--short"], cwd=self.folder, check=True, capture_output=True, text=True
        ).stdout


def finish(process: "subprocess.Popen[str]", *, stdin: str = "", status: int = 0) -> str:
    """Wait for a command, which must end with this exit status; give what it printed."""
    printed, _ = process.communicate(stdin, timeout=120)
    assert process.returncode == status, printed
    return printed


def kill_whole(process: "subprocess.Popen[str]") -> None:
    """Kill a started command and everything that it started; plugins have groups of their own."""
    # At the same time: an engine that sees its provider die ends in order.
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                session = stat.read_text().rpartition(")")[2].split()[3]
                if session == str(process.pid):
                    os.kill(int(stat.parent.name), number)
            except (FileNotFoundError, ProcessLookupError):
                continue
    process.communicate(timeout=60)


def on_terminal(clone: Clone, *arguments: str, when: str, answer: str, status: int) -> str:
    """Run `fleet` on a terminal, type an answer when it is asked for; give what was shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [".venv/bin/fleet", *arguments],
        cwd=clone.folder,
        env={**clone.environment, "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "120"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown, answered = "", False
    while True:
        try:
            read = os.read(ours, 65536)
        except OSError:  # The other end is closed.
            break
        shown += read.decode(errors="replace")
        if not answered and when in shown:
            os.write(ours, f"{answer}\n".encode())
            answered = True
    os.close(ours)
    assert process.wait(timeout=60) == status, shown
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
