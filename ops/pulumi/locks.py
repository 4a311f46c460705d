"""The locks of stacks in a backend of files: who holds one, since when, and what to do about it."""

import json
import re
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

FRACTION = re.compile(r"(?<=:\d\d)\.\d+")


@dataclass(frozen=True)
class Lock:
    """A stack's lock; `since` is as the engine wrote it (RFC 3339)."""

    stack: str
    user: str
    host: str
    process: int
    since: str

    @property
    def is_held(self) -> bool:
        """Whether its run goes on; one of another host may."""
        return self.host != socket.gethostname() or _alive(self.process)

    @property
    def text(self) -> str:
        """Say who holds it since when, and what to do: wait, or clear a stale one."""
        holder = (
            f"the stack {self.stack} is locked since {_local(self.since)} by "
            f"{self.user}@{self.host}, process {self.process}"
        )
        if self.host != socket.gethostname():
            state = f"{holder}. If that run is over"
        elif self.is_held:
            return f"{holder}, which is still running: wait for it, then run this again"
        else:
            state = f"{holder}, which is no longer running"
        command = f"fleet pulumi --stack {self.stack} cancel --yes"
        return f"{state}: clear the lock (docs/runbooks/stale-lock.md) with\n  {command}"


def read(backend: Path, stack: str) -> list[Lock]:
    """Return the locks of a stack; one that is given back meanwhile is none."""
    found = []
    for path in sorted((backend / ".pulumi" / "locks").glob(f"*/*/{stack}/*.json")):
        try:
            lock = json.loads(path.read_text())
        except (FileNotFoundError, ValueError):  # It ends, or is being written.
            continue
        found.append(
            Lock(stack, lock["username"], lock["hostname"], int(lock["pid"]), lock["timestamp"])
        )
    return found


def _local(timestamp: str) -> str:
    """Return a time of the engine as a local one, in seconds."""
    at = datetime.fromisoformat(FRACTION.sub("", timestamp))
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def _alive(pid: int) -> bool:
    """Whether the process runs pulumi: a zombie process has no program."""
    try:
        return Path(f"/proc/{pid}/exe").readlink().name == "pulumi"
    except PermissionError:
        return True
    except OSError:
        return False
