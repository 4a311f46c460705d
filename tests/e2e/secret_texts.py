"""Secrets in texts: those of a stack by their content, any other one by its form."""

import base64
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

# Private keys (their first line: each line may be a message of its own), tokens of service
# accounts, bootstrap tokens; not an event's name, whose second part is a time in nanoseconds.
FORMS = (
    re.compile(r"-----BEGIN (?!ENCRYPTED)(?:[A-Z]+ )?PRIVATE KEY-----"),
    re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20}"),
    re.compile(r"\b[a-z0-9]{6}\.(?!1[0-9a-f]{15}\b)[a-z0-9]{16}\b"),
)
_KEY = re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----((?:\\+n|[\w+/=])+)")
_EMBEDDED = re.compile(r"client-key-data: ([\w+/=]+)")
# A key that encrypts Secrets: 32 bytes.
_ENCRYPTION = re.compile(r'secret\\*": ?\\*"([\w+/]{43}=)')
# Shorter lines of a key occur by chance.
SHORTEST_LINE = 40


class Secrets:
    """The lines of every private key in a stack's state, and the keys that encrypt Secrets."""

    def __init__(self, exported: str) -> None:
        self.keys = set(_KEY.findall(exported))
        pems = [base64.b64decode(text).decode() for text in _EMBEDDED.findall(exported)]
        self.encryption = set(_ENCRYPTION.findall(exported))
        bodies = [*self.keys, *self.encryption, *pems, *_EMBEDDED.findall(exported)]
        lines = (line for body in bodies for line in re.split(r"\\+n|\n", body))
        self._lines = {line for line in lines if len(line) >= SHORTEST_LINE and " " not in line}

    def in_text(self, text: str) -> list[str]:
        """Return the secrets that a text has: lines of known keys, and what looks like one."""
        known = [line for line in self._lines if line in text]
        return known + [found[0] for form in FORMS for found in form.finditer(text)]


class ProcessWatch:
    """Collects the arguments and environments of processes on this host while it is open.

    Machines are containers: their processes are among them. `marks` are read each time: texts of
    which a process has one in its environment or in the names of its cgroups.
    """

    INTERVAL_SECONDS = 0.1

    def __init__(self, marks: Callable[[], set[str]]) -> None:
        self.texts: set[str] = set()
        self._marks = marks
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._collect)

    def __enter__(self) -> "ProcessWatch":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _collect(self) -> None:
        while True:
            marks = self._marks()
            for folder in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):  # It has ended.
                    arguments, environment, cgroups = (
                        (folder / name).read_bytes().decode(errors="replace")
                        for name in ("cmdline", "environ", "cgroup")
                    )
                    if any(mark in environment + cgroups for mark in marks):
                        self.texts |= {arguments.replace("\0", "\n"), environment}
            if self._ended.wait(self.INTERVAL_SECONDS):
                return
