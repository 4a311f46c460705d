"""Facts and logs of machines, read with one script on each, redacted as they arrive."""

import base64
import binascii
import zlib
from collections.abc import Callable, Iterator

from model.redaction.text import RedactedStream, TextRedactor
from model.render import node_scripts
from ops.errors import OperatorError
from ops.hosts.audit_logs import lines
from ops.hosts.inventory import InventoryMachine
from ops.hosts.operations import OPERATIONS
from ops.hosts.ssh import connected
from ops.hosts.sudo import open_as_root
from ops.support.collection import Collection
from ops.support.machine_parts import Part, parts

CALL = "support_facts"
FOLDER = "machines"
# Of one log or output, and of all of a machine.
PART_BYTES, MACHINE_BYTES = 2 << 20, 48 << 20
LOG_LINES = 10_000
LONGEST_LINE = 1 << 16
# Names of parts that the machine chose itself.
LONGEST_NAME = 400
SAID = 200


def source(machine: InventoryMachine) -> str:
    """Return the name of a machine as a source."""
    return f"{FOLDER}/{machine.name}"


def expected(machine: InventoryMachine) -> list[str]:
    """Return the names of what is read on a machine."""
    table = parts(machine.role, has_values=True)
    return list(dict.fromkeys(f"{source(machine)}/{part.name}" for part in table))


def gather(
    machine: InventoryMachine, redactor: TextRedactor, collection: Collection, *, has_values: bool
) -> None:
    """Read all parts of a machine into the collection; raises OperatorError.

    Without the values of Secrets, logs are read only of pods that do not have them.
    """
    table = parts(machine.role, has_values=has_values)
    settings = {
        "PARTS": "".join(map(str, table)),
        "BYTES": str(PART_BYTES),
        "LINES": str(LOG_LINES),
    }
    text = node_scripts.compose(OPERATIONS[CALL].script, settings).encode()
    with connected(machine.login) as connection:
        channel = open_as_root(connection, text, CALL)
        reader = MachineReader(machine, table, redactor, collection)
        is_complete = reader.read(channel.recv)
        if not is_complete:
            status = channel.recv_exit_status()
            said = channel.recv_stderr(SAID).decode(errors="replace").strip()
            raise OperatorError(
                f"{machine.name}: the connection ended early "
                f"({redactor.text(said) or f'status {status}'})"
            )


class MachineReader:
    """Takes apart what scripts/node/support.sh writes; trusts nothing in it."""

    def __init__(
        self,
        machine: InventoryMachine,
        table: tuple[Part, ...],
        redactor: TextRedactor,
        collection: Collection,
    ) -> None:
        self._source = source(machine)
        self._names = tuple(dict.fromkeys(part.name for part in table))
        self._redactor = redactor
        self._collection = collection
        self._left = MACHINE_BYTES

    def read(self, receive: Callable[[int], bytes]) -> bool:
        """Read to the end; return whether the machine said that it is one."""
        received = lines(receive, LONGEST_LINE)
        for line in received:
            word, _, rest = (line or b"").partition(b"\t")
            if word == b"part":
                self._part(rest.decode(errors="replace"), received)
            elif word == b"complete":
                for name in self._names:
                    self._collection.done(f"{self._source}/{name}")
                return True
        return False

    def _part(self, name: str, received: Iterator[bytes | None]) -> None:
        path = f"{self._source}/{safe(name)}"
        if not self._is_expected(name):
            path = f"{self._source}/unexpected/{safe(name)}"
        stream, unpacker = self._redactor.stream(), zlib.decompressobj(wbits=31)
        size, status = 0, None
        self._collection.add(self._source, path, b"")
        for line in received:
            if line is None or line.startswith(b"end\t"):
                status = None if line is None else line[4:].strip()
                break
            size += self._add(path, line, stream, unpacker, size)
        is_complete = status is not None
        self._collection.add(self._source, path, stream.finish(is_complete=is_complete))
        if size >= PART_BYTES:
            self._collection.add(
                self._source, path, b"", cut=f"only the last {PART_BYTES >> 20} MiB"
            )
        if is_complete:
            self._collection.done(path)
            if status == b"124":
                self._collection.add(self._source, path, b"", cut="it took too long there")

    def _add(
        self,
        path: str,
        line: bytes,
        stream: RedactedStream,
        unpacker: "zlib._Decompress",
        size: int,
    ) -> int:
        limit = min(PART_BYTES - size, self._left)
        if limit <= 0 or unpacker.eof:
            return 0
        try:
            data = unpacker.decompress(base64.b64decode(line), limit)
        except (binascii.Error, zlib.error):
            return 0
        self._left -= len(data)
        if data:
            self._collection.add(self._source, path, stream.feed(data))
        return len(data)

    def _is_expected(self, name: str) -> bool:
        return any(name == known or name.startswith(f"{known}/") for known in self._names)


def safe(name: str) -> str:
    """Return a relative path without steps upwards and odd characters."""
    steps = [step for step in name[:LONGEST_NAME].split("/") if step not in ("", ".", "..")]
    kept = "/".join(steps) or "unnamed"
    return "".join(c if c.isprintable() and c not in '\\:*?"<>|' else "_" for c in kept)
