"""The state file of a watch: read once, written atomically, used by one process at a time."""

import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from model.watch import state
from model.watch.state import Clock, State
from ops.errors import OperatorError, text_of
from ops.private_file import write_private


class Store:
    """A state file; `damage` says what became of one that could not be read ("": nothing)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.damage = ""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise OperatorError(f"the state file {path} cannot be used: {text_of(error)}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise OperatorError(
                f"the state file {path} is in use by another `fleet watch`: stop that one, or name "
                "another file with --state"
            ) from None

    def read(self, clock: Clock) -> State:
        """Return the state; a new one if there is none, or if the file is damaged.

        A damaged file is kept under another name: what it had reported is reported again.
        """
        try:
            return state.from_json(json.loads(self._path.read_text(encoding="utf-8")), clock)
        except FileNotFoundError:
            return State()
        except ValueError as error:
            kept = self._path.with_name(
                f"{self._path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
            )
            self.damage = (
                f"the state file {self._path} is damaged ({text_of(error)}) and kept as "
                f"{kept.name}: what is wrong now is reported again"
            )
            self._path.replace(kept)
            return State()
        except OSError as error:
            raise OperatorError(
                f"the state file {self._path} cannot be read: {text_of(error)}"
            ) from None

    def write(self, current: State) -> None:
        """Replace the file; raise OSError."""
        write_private(self._path, json.dumps(current.to_json()))

    def close(self) -> None:
        """Let another process use it."""
        os.close(self._lock)
