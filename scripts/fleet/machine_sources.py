"""What a report reads on machines: certificates, snapshots, audit logs, facts of the benchmark.

All requests to all machines are made at the same time, with one deadline. What has not answered
by then is a row that says so.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from threading import Lock
from typing import Any

from model.audit import questions
from model.audit.collection import NewestEvents
from model.audit.query import Query
from model.backups import Backups
from model.backups import combined as combined_backups
from model.cis.report import ReadCluster, ReadMachine, Report
from model.cis.report import report as judged
from model.fleet_report import highlights, reduced
from model.fleet_report.assembly import ON_MACHINES, Read, omitted, unread
from model.fleet_report.document import Source, SourceName, SourceState
from model.machine import CONTROL_PLANE
from model.pki import ledger as ledgers
from model.pki.ledger_facts import Place
from model.report import Unreadable
from ops import fan_out
from ops.errors import OperatorError, text_of
from ops.fan_out import Answer
from ops.hosts import audit_logs, certificates, cis, snapshots
from ops.hosts.inventory import InventoryMachine
from ops.kube import cis_objects
from scripts.fleet import (
    engine_run,
    ledger,
    local_certificates,
    registered_tokens,
    served_certificates,
)
from scripts.fleet.cis_report import of_cluster
from scripts.fleet.targets import Target

PARALLEL = 64
AUDIT_PERIOD = timedelta(days=1)
# Of each log and question: what a cluster's parts do is counted, not listed.
MOST_EVENTS = 1000
_QUESTIONS = {
    "denied": questions.denied,
    "exec": questions.sessions,
    "secrets": questions.secrets,
    "changes": questions.changes,
}


@dataclass(frozen=True)
class Part:
    """One request: to a machine, or with an empty `node` to a cluster's API; `key` is a detail."""

    source: SourceName
    cluster: str
    node: str
    call: Callable[[], Any]
    key: str = ""


def read(
    stack: str,
    targets: Sequence[Target],
    wanted: Collection[SourceName],
    now: datetime,
    seconds: float,
) -> Read:
    """Return what the machines of these clusters say within so many seconds."""
    deadline = time.monotonic() + seconds
    try:
        outputs = engine_run.outputs(stack)
        parts = list(_parts(stack, outputs, targets, wanted, now, seconds))
    except OperatorError as error:
        return unread(str(error), wanted)
    left = max(0.0, deadline - time.monotonic())
    answers = fan_out.ask(parts, lambda part: part.call(), left, parallel=PARALLEL)
    found = _Found(stack, outputs, targets, now, answers, seconds)
    read = Read(
        certificates=found.certificates() if SourceName.CERTIFICATES in wanted else None,
        backups=found.backups() if SourceName.BACKUPS in wanted else None,
        cis=found.cis() if SourceName.CIS in wanted else None,
        audit=found.audit() if SourceName.AUDIT in wanted else None,
    )
    sources = [found.source(each) if each in wanted else omitted(each) for each in ON_MACHINES]
    return replace(read, sources=tuple(sources))


def _parts(
    stack: str,
    outputs: Mapping[str, object],
    targets: Sequence[Target],
    wanted: Collection[SourceName],
    now: datetime,
    seconds: float,
) -> Iterator[Part]:
    names = [target.name for target in targets]
    machines = engine_run.inventory_in(outputs, stack).of_clusters(names)
    planes = [machine for machine in machines if machine.role == CONTROL_PLANE]
    if SourceName.CERTIFICATES in wanted:
        before = ledger.warn_before(stack)
        for machine in machines:
            call = partial(certificates.read_machine, machine, now, None, before)
            yield Part(SourceName.CERTIFICATES, machine.cluster, machine.name, call)
    if SourceName.BACKUPS in wanted:
        for machine in planes:
            snapshot = partial(snapshots.read_machine, machine, now)
            yield Part(SourceName.BACKUPS, machine.cluster, machine.name, snapshot)
    if SourceName.AUDIT in wanted:
        for machine in planes:
            for name, question in _QUESTIONS.items():
                query = Query(question(), now, now - AUDIT_PERIOD)
                events = partial(_events, machine, query)
                yield Part(SourceName.AUDIT, machine.cluster, machine.name, events, name)
    if SourceName.CIS in wanted:
        for target in targets:
            objects = partial(_objects, target, seconds)
            yield Part(SourceName.CIS, target.name, "", objects)
        for machine in machines:
            facts = partial(cis.read_machine, machine)
            yield Part(SourceName.CIS, machine.cluster, machine.name, facts)


def _objects(target: Target, seconds: float) -> Any:
    return cis_objects.read(target.client(seconds))


def _events(machine: InventoryMachine, query: Query) -> NewestEvents | Unreadable:
    collection = NewestEvents(MOST_EVENTS)
    answer = audit_logs.read_machine(machine, query, collection, Lock())
    return answer if isinstance(answer, Unreadable) else collection


class _Found:
    """The answers, by what they are of."""

    def __init__(
        self,
        stack: str,
        outputs: Mapping[str, object],
        targets: Sequence[Target],
        now: datetime,
        answers: Sequence[Answer[Part, Any]],
        seconds: float,
    ) -> None:
        self._stack, self._outputs, self._now, self._seconds = stack, outputs, now, seconds
        self._names = [target.name for target in targets]
        self._answers: dict[SourceName, list[Answer[Part, Any]]] = {}
        self._unreadable: dict[SourceName, dict[Unreadable, None]] = {}
        for answer in answers:
            self._answers.setdefault(answer.target.source, []).append(answer)
            # The benchmark's report names what was not read by itself.
            if answer.error is not None and answer.target.source is not SourceName.CIS:
                part = answer.target
                reason = self._reason(answer)
                silent = Unreadable(cluster=part.cluster, node=part.node, reason=reason)
                self._add(part.source, [silent])

    def source(self, name: SourceName) -> Source:
        """Return what is known of the reading of a source, after its answers were combined."""
        unreadable = tuple(self._unreadable.get(name, {}))
        asked = {(each.target.cluster, each.target.node) for each in self._answers.get(name, [])}
        silent = {(each.cluster, each.node) for each in unreadable}
        state = SourceState.PARTIAL if unreadable else SourceState.READ
        if unreadable and asked <= silent:
            state = SourceState.UNREAD
        return Source(name=name, state=state, unreadable=unreadable)

    def certificates(self) -> reduced.CertificateDates | None:
        """Return when certificates expire, those on this host and of add-ons included."""
        place = Place("", "", self._now)
        own = local_certificates.read(self._stack, self._names, place)
        of_tools = registered_tokens.read(self._outputs, self._names, place)
        of_add_ons = served_certificates.read(self._outputs, self._names, place)
        read = [*self._values(SourceName.CERTIFICATES), own, of_add_ons, of_tools]
        whole = ledgers.combined(read, self._now)
        self._add(SourceName.CERTIFICATES, whole.unreadable)
        return reduced.of_ledger(whole) if whole.certificates or whole.tokens else None

    def backups(self) -> reduced.SavedClusters | None:
        """Return the newest snapshots of the clusters whose control planes answered."""
        read: list[Backups] = self._values(SourceName.BACKUPS)
        whole = combined_backups(read, self._now)
        self._add(SourceName.BACKUPS, whole.unreadable)
        silent = {each.cluster for each in self._unreadable.get(SourceName.BACKUPS, {})}
        known = {each.cluster for each in whole.snapshots}
        names = [name for name in self._names if name in known or name not in silent]
        return reduced.of_backups(whole, names)

    def audit(self) -> highlights.AuditHighlights | None:
        """Return what the logs say, counted."""
        events, is_truncated = [], False
        for answer in self._answers.get(SourceName.AUDIT, []):
            if isinstance(answer.value, Unreadable):
                self._add(SourceName.AUDIT, [answer.value])
            elif answer.value is not None:
                events += [(answer.target.key, each) for each in answer.value.entries()]
                is_truncated |= answer.value.is_truncated
        return highlights.highlights(events, self._now - AUDIT_PERIOD, is_truncated=is_truncated)

    def cis(self) -> reduced.CisOverview | None:
        """Return the counts of the benchmark's items, judging one cluster after another."""
        by_cluster: dict[str, list[Answer[Part, Any]]] = {name: [] for name in self._names}
        for answer in self._answers.get(SourceName.CIS, []):
            by_cluster[answer.target.cluster].append(answer)

        def reports() -> Iterator[Report]:
            for name, answers in by_cluster.items():
                found = judged([self._cluster(name, answers)])
                self._add(SourceName.CIS, found.unreadable)
                yield found

        return reduced.of_cis(reports())

    def _cluster(self, name: str, answers: Sequence[Answer[Part, Any]]) -> ReadCluster:
        machines = [
            each.value or ReadMachine(each.target.node, None, self._reason(each))
            for each in answers
            if each.target.node
        ]
        (objects,) = (each for each in answers if not each.target.node)
        return of_cluster(name, machines, objects.value or self._reason(objects))

    def _reason(self, answer: Answer[Part, Any]) -> str:
        if answer.is_late or answer.error is None:
            return f"no answer within {self._seconds:g} s"
        return text_of(answer.error)

    def _values(self, name: SourceName) -> list[Any]:
        return [each.value for each in self._answers.get(name, []) if each.value is not None]

    def _add(self, name: SourceName, unreadable: Iterable[Unreadable]) -> None:
        self._unreadable.setdefault(name, {}).update(dict.fromkeys(unreadable))
