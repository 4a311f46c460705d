"""The record of a rollout that is under way: a ConfigMap of its cluster (ADR 0052).

It is written before the first change and removed when all machines have it, so that the next run
and another operator see what a failed or killed run left. It is only shown: a run inspects
every machine itself. What is on a machine is recorded there, and the cordons of a rollout on the
Nodes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Protocol

from model.plural import counted

NAME = "kubeadm-fleet-rollout"
STATES = ("left", "begun", "done")
# A large rollout writes its progress in this many steps: each write replaces the record.
WRITES = 16


@dataclass(frozen=True)
class RolloutRecord:
    """A rollout: `target` is the desired state's digest, `changes` are the names of its actions.

    `subjects` are what it changes, as shown to the user. Each machine is in one of `left`, `begun`
    and `done`; one that an earlier, unfinished rollout began is in `begun` until it is done.
    """

    since: str
    target: str
    version: str
    changes: tuple[str, ...]
    subjects: tuple[str, ...]
    left: frozenset[str] = frozenset()
    begun: frozenset[str] = frozenset()
    done: frozenset[str] = frozenset()

    @classmethod
    def of(cls, data: Mapping[str, str]) -> "RolloutRecord":
        """Read the data of the ConfigMap; missing keys are empty."""

        def names(key: str) -> frozenset[str]:
            return frozenset(data.get(key, "").split())

        return cls(
            since=data.get("since", ""),
            target=data.get("target", ""),
            version=data.get("version", ""),
            changes=tuple(data.get("changes", "").split()),
            subjects=tuple(data.get("subjects", "").splitlines()),
            left=names("left"),
            begun=names("begun"),
            done=names("done"),
        )

    @property
    def data(self) -> dict[str, str]:
        """The data of the ConfigMap: about 25 bytes a machine."""
        return {
            "since": self.since,
            "target": self.target,
            "version": self.version,
            "changes": " ".join(self.changes),
            "subjects": "\n".join(self.subjects),
            **{key: " ".join(sorted(getattr(self, key))) for key in STATES},
        }

    @property
    def summary(self) -> str:
        """Since when it is under way, and how far it is."""
        total = len(self.left | self.begun | self.done)
        return (
            f"a change of {', '.join(self.subjects)} was begun at {self.since} and is not "
            f"finished: {len(self.done)} of {counted(total, 'machine')} have it"
        )

    @property
    def reason(self) -> str:
        """Why a machine has work to do."""
        return f"a change begun at {self.since} is not finished"

    def unsettled(self, target: str) -> frozenset[str]:
        """Return the machines that may differ from a desired state, given by its digest."""
        return self.left | self.begun if target == self.target else self.begun | self.done

    def started(self, former: "RolloutRecord | None") -> "RolloutRecord":
        """Return this new rollout's record after the unfinished one that it continues or undoes."""
        if former is None:
            return self
        touched = (former.begun | former.done) & self.left
        same = former.target == self.target
        return replace(
            self,
            since=former.since if same else self.since,
            changes=tuple(dict.fromkeys((*former.changes, *self.changes))),
            subjects=tuple(dict.fromkeys((*former.subjects, *self.subjects))),
            left=self.left - touched,
            begun=touched,
            done=former.done - self.left if same else frozenset(),
        )


class Store(Protocol):
    """Keeps the record in its cluster."""

    def write_record(self, data: Mapping[str, str]) -> None:
        """Write the record."""


class RolloutMemory:
    """The record of the running rollout, kept up to date; threads may share it.

    Without a record, nothing is written: only repairs are due.
    """

    def __init__(self, store: Store, record: RolloutRecord | None) -> None:
        self._store = store
        self._record = record
        self._unwritten = 0
        self._step = max(1, len(record.left | record.begun) // WRITES) if record else 0
        self._lock = Lock()
        self._write()

    def begin(self, machine: str) -> None:
        """Note that the machine is about to be changed."""
        self._move(machine, "begun")

    def end(self, machine: str) -> None:
        """Note that the machine has the change."""
        self._move(machine, "done")

    def flush(self) -> None:
        """Write what is not written yet."""
        with self._lock:
            if self._unwritten:
                self._write()

    def _move(self, machine: str, to: str) -> None:
        with self._lock:
            known = self._record
            if known is None or machine not in known.left | known.begun:
                return
            names = {key: getattr(known, key) - {machine} for key in STATES}
            self._record = replace(known, **{**names, to: names[to] | {machine}})
            self._unwritten += 1
            if self._unwritten >= self._step:
                self._write()

    def _write(self) -> None:
        if self._record is not None:
            self._store.write_record(self._record.data)
        self._unwritten = 0
