"""All sources of an archive, asked at the same time, until all have answered or time is over."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from model.redaction.objects import ObjectRedactor
from model.redaction.secret_values import SecretValue, SecretValues, searchable
from model.redaction.text import TextRedactor
from ops import fan_out
from ops.errors import OperatorError
from ops.fan_out import Late
from ops.hosts import certificates
from ops.hosts.inventory import InventoryMachine
from ops.kube.client import Client
from ops.kube.errors import ApiError
from ops.kube.etcd import HEALTH, LIST, run_in_any_pod
from ops.kube.etcd_space import STATUS
from ops.support import api, machines, objects, pod_logs
from ops.support.api import Api
from ops.support.collection import Collection, Ended

ETCD = "etcd"
ALARMS = ("alarm", "list", "--command-timeout=4s")
UNKNOWN_VALUES = (
    "logs of other pods than Kubernetes' components are omitted: the values of Secrets, which they "
    "may have, could not be read"
)
# Secrets are read before anything else is read, but not for longer than this share.
SECRETS_SHARE = 0.4
SECRETS_SECONDS = 10.0
# Of that, how long a server is looked for.
REACH_SHARE = 0.8


@dataclass(frozen=True)
class Source:
    """Something to ask: its name, what it is expected to add, and how it adds it."""

    name: str
    expected: Sequence[str]
    gather: Callable[[], None]


# Gets the name of a source that has ended, and why it failed: "" if it has not.
Report = Callable[[str, str], None]


class Gathering:
    """One archive being gathered, from its first second until `seconds` later."""

    def __init__(self, seconds: float, report: Report, began: float | None = None) -> None:
        self.seconds = seconds
        self._deadline = (time.monotonic() if began is None else began) + seconds
        self._report = report
        self.collection = Collection()
        self.api: Api | None = None
        self.secret_values: int | None = None
        self.reason = ""
        self.redactor = TextRedactor(SecretValues(()))
        self.objects = ObjectRedactor(self.redactor)

    @property
    def has_values(self) -> bool:
        """Whether the values of the cluster's Secrets are known."""
        return self.secret_values is not None

    @property
    def left(self) -> float:
        """How many seconds are left."""
        return max(0.0, self._deadline - time.monotonic())

    def connect(
        self, endpoint: Callable[[], Client], addresses: Sequence[str], own: Iterable[SecretValue]
    ) -> None:
        """Find an API server, and learn what is secret: of the cluster, and `own`."""
        seconds = min(SECRETS_SECONDS, self.left * SECRETS_SHARE)
        values = list(own)
        names: list[str] = []

        def ask(_: object) -> tuple[Api, tuple[list[SecretValue], list[str]] | ApiError]:
            found = api.reach(endpoint(), addresses, seconds * REACH_SHARE)
            try:
                return found, api.values(found)
            except ApiError as error:
                return found, error

        (answer,) = fan_out.ask([None], ask, seconds)
        if answer.value is None:
            self.reason = _text(answer.error)
            self.collection.miss(objects.SOURCE, objects.SOURCE, self.reason)
        elif isinstance(answer.value[1], ApiError):
            self.api, self.reason = answer.value[0], str(answer.value[1])
        else:
            self.api, (found, names) = answer.value[0], answer.value[1]
            values += found
            self.secret_values = len(searchable(found, names))
        if self.reason:
            self.collection.miss(pod_logs.SOURCE, pod_logs.SOURCE, UNKNOWN_VALUES)
        self.redactor = TextRedactor(SecretValues(values, names), self.redactor.markers)
        self.objects = ObjectRedactor(self.redactor)

    def run(self, sources: Sequence[Source]) -> None:
        """Ask all of them; when this returns, nothing is added any more."""
        for source in sources:
            self.collection.expect(source.name, source.expected)

        def gather(source: Source) -> None:
            try:
                source.gather()
            except Ended:
                return
            except (OperatorError, ApiError, OSError, ValueError, KeyError, TypeError) as error:
                self._fail(source, _text(error))
            else:
                self._report(source.name, "")

        answers = fan_out.ask(sources, gather, self.left)
        late = str(Late(self.seconds))
        for answer in answers:
            if answer.is_late:
                self._report(answer.target.name, late)
            elif answer.error:
                self._fail(answer.target, _text(answer.error))
        self.collection.end(late)

    def add_document(self, source: str, path: str, document: Any) -> None:
        """Add any JSON, without secrets."""
        text = json.dumps(self.objects.value(document), indent=1, ensure_ascii=False)
        self.collection.add(source, path, text.encode(errors="replace") + b"\n")
        self.collection.done(path)

    def add_text(self, source: str, path: str, text: str) -> None:
        """Add a text, without secrets."""
        self.collection.add(source, path, self.redactor.block(text.encode(errors="replace")))
        self.collection.done(path)

    def cluster_sources(self) -> list[Source]:
        """Return what is asked over the API, if one answers."""
        if (found := self.api) is None:
            return []

        def read_objects() -> None:
            objects.gather(found, self.objects, self.collection, self.left)

        paths = {
            f"{ETCD}/{name}.json": words
            for name, words in (("members", LIST), ("health", HEALTH), ("status", STATUS),
                                ("alarms", ALARMS))
        }  # fmt: skip

        def read_etcd() -> None:
            for path, words in paths.items():
                (said,) = run_in_any_pod(found.client, "", words)
                self.add_document(ETCD, path, said)

        return [
            Source(objects.SOURCE, (objects.SOURCE,), read_objects),
            *((Source(ETCD, tuple(paths), read_etcd),) if found.is_ready else ()),
        ]

    def log_source(self) -> list[Source]:
        """Return the logs of pods, for a cluster whose machines nobody logs in to."""
        if (found := self.api) is None:
            return []

        def read() -> None:
            self._read_pod_logs(found, None)

        return [Source(pod_logs.SOURCE, (pod_logs.SOURCE,), read)]

    def machine_sources(
        self, machine: InventoryMachine, warn_before: Mapping[str, timedelta]
    ) -> list[Source]:
        """Return what is asked on a machine; `warn_before` as for certificates."""
        name = machines.source(machine)
        ledger = f"{name}/certificates.json"

        def read() -> None:
            try:
                machines.gather(machine, self.redactor, self.collection, has_values=self.has_values)
            except OperatorError:
                if self.api is not None:
                    self._read_pod_logs(self.api, {machine.name})
                raise

        def read_certificates() -> None:
            found = certificates.read_machine(machine, datetime.now(UTC), warn_before=warn_before)
            if not found.certificates and found.unreadable:
                raise OperatorError(found.unreadable[0].reason)
            self.add_document(name, ledger, found.model_dump(mode="json", by_alias=True))

        return [
            Source(name, machines.expected(machine), read),
            Source(f"{name}/certificates", (ledger,), read_certificates),
        ]

    def _read_pod_logs(self, found: Api, nodes: Set[str] | None) -> None:
        pod_logs.gather(
            found, nodes, self.redactor, self.collection, self.left, has_values=self.has_values
        )

    def _fail(self, source: Source, error: str) -> None:
        reason = self.redactor.text(error)
        self.collection.fail(source.name, source.expected, reason)
        self._report(source.name, reason)


def _text(error: Exception | None) -> str:
    text = " ".join(str(error).split())
    return (
        text
        if isinstance(error, OperatorError | ApiError | Late)
        else f"{type(error).__name__}: {text}"
    )
