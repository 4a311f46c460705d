"""Questions to an audit log of 1 GB, a week of a busy cluster, on one control plane.

The log is made up: requests of nodes and controllers with the objects that they write, and one in a
hundred of a person. The script that hosts run filters it here, without SSH.
"""

import json
import random
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from model.audit import events, questions
from model.audit.collection import NewestEvents
from model.audit.query import Query
from model.audit.resources import ObjectName
from model.render import node_scripts
from model.render.node_paths import AUDIT_FOLDER
from ops.hosts.audit_logs import CALL, lines, settings
from ops.hosts.operations import OPERATIONS
from scripts.bench.run import BenchError
from scripts.bench.stack import scratch_folder
from scripts.bench.table import Table, megabytes, ratio, seconds

FILES, FILE_BYTES = 10, 100_000_000
ROWS = 200
WEEK = timedelta(days=7)
END = datetime(2026, 11, 26, tzinfo=UTC)
_ACCOUNT = "system:serviceaccount:kube-system:"
_OWN = (
    *(f"{_ACCOUNT}{name}-controller" for name in ("replicaset", "endpointslice", "deployment")),
    *(f"system:node:cluster1-worker-{number}" for number in range(20)),
    *(f"{_ACCOUNT}generic-garbage-collector", "system:kube-scheduler"),
)
_PEOPLE = ("alice", "oidc:bob@example.com", "system:serviceaccount:argocd:controller")
_VERBS = ("get", "list", "watch", "create", "update", "patch", "patch", "delete")
_RESOURCES = ("pods", "pods", "deployments", "endpointslices", "configmaps", "secrets", "services")
_POD = {
    "metadata": {"labels": {f"label-{number}": "value" for number in range(8)}},
    "spec": {"containers": [{"name": "c", "env": [{"name": "A", "value": "b"}] * 20}]},
}
_BODY = json.dumps(_POD, separators=(",", ":"))
# The order of fields is the API server's.
_EVENT = (
    '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"%s","stage":'
    '"ResponseComplete","requestURI":"/api/v1/namespaces/%s/%s/%s?timeout=30s","verb":"%s","user":'
    '{"username":"%s","groups":["system:authenticated"]},"sourceIPs":["192.0.2.%d"],"userAgent":'
    '"kube-controller-manager/v1.36.3 (linux/amd64) kubernetes/0000000","objectRef":{"resource":'
    '"%s","namespace":"%s","name":"%s","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":%d}'
    '%s,"requestReceivedTimestamp":"%s","stageTimestamp":"%s","annotations":{%s'
    '"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"RBAC: allowed by '
    'ClusterRoleBinding \\"a\\" of ClusterRole \\"b\\" to User \\"c\\""}}\n'
)


def _log(count: int) -> Iterator[str]:
    """Yield lines over a week."""
    chosen = random.Random(7)  # noqa: S311 (the same log each time)
    for number in range(count):
        user = chosen.choice(_PEOPLE if chosen.random() < 0.01 else _OWN)
        resource, verb = chosen.choice(_RESOURCES), chosen.choice(_VERBS)
        namespace, name = f"ns-{chosen.randrange(50)}", f"{resource}-{chosen.randrange(99999)}"
        when = END - WEEK + WEEK * (number / count)
        stamp = when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        body = f',"requestObject":{_BODY}' if verb in ("create", "update", "patch") else ""
        old = '"k8s.io/deprecated":"true",' if chosen.random() < 0.0005 else ""
        code = 403 if chosen.random() < 0.001 else 200
        yield _EVENT % (
            *(f"{chosen.getrandbits(128):032x}", namespace, resource, name, verb, user),
            *(chosen.randrange(255), resource, namespace, name, code, body, stamp, stamp, old),
        )


def write(folder: Path, size: int = FILE_BYTES, files: int = FILES) -> None:
    """Write a log as an API server rotates it."""
    folder.mkdir()
    average = sum(map(len, _log(1000))) // 1000
    text = _log(files * size // average)
    for number in range(files):
        written, current = 0, folder / "audit.log"
        with current.open("w") as file:
            for line in text:
                written += file.write(line)
                if written >= size and number < files - 1:
                    break
        if number < files - 1:
            stamp = json.loads(line)["stageTimestamp"].replace(":", "-")[:23]
            current.rename(folder / f"audit-{stamp}.log")


def asked() -> dict[str, Query]:
    """Return the queries that are measured, by what they ask."""
    pod = ObjectName(frozenset(("pods",)), None, "pods-4711")
    day, hour = END - timedelta(days=1), END - timedelta(hours=1)
    return {
        "changes": Query(questions.changes(), END),
        "changes of a day": Query(questions.changes(), END, since=day),
        "changes of an hour": Query(questions.changes(), END, since=hour),
        "changes of one user": Query(questions.changes(), END, users=frozenset(("alice",))),
        "denied": Query(questions.denied(), END),
        "secrets": Query(questions.secrets(), END),
        "exec": Query(questions.sessions(), END),
        "who-deleted": Query(questions.deletions(pod), END),
        "deprecated": Query(questions.deprecated(), END),
    }


def measure(folder: Path, query: Query) -> tuple[float, float, int, int]:
    """Return the seconds, those of the host's processors, the bytes it sends, and the answers."""
    text = node_scripts.compose(OPERATIONS[CALL].script, settings(query))
    text = text.replace(f"AUDIT_FOLDER={AUDIT_FOLDER}\n", f"AUDIT_FOLDER={folder}\n")
    kept, sent, found = NewestEvents(ROWS), 0, 0
    began, used = time.monotonic(), _processor_seconds()
    with subprocess.Popen(
        ["bash", "-c", f"{text}\n{CALL}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout
        for line in lines(process.stdout.read1):  # type: ignore[attr-defined]
            sent += len(line or b"")
            event = events.parse(line or b"")
            if line and event and (answer := query.answer(event, line)):
                kept.add(("one", "one-control-plane-0"), answer)
                found += 1
    if process.returncode != 0:
        raise BenchError(f"the script ended with status {process.returncode}")
    return time.monotonic() - began, _processor_seconds() - used, sent, found


def _processor_seconds() -> float:
    """Return what the processes that have ended used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _read(folder: Path) -> int:
    """Count the lines of a log."""
    count = 0
    for path in folder.iterdir():
        with path.open("rb") as file:
            while data := file.read(1 << 20):
                count += data.count(b"\n")
    return count


def table(say: Callable[[str], None]) -> Table:
    """Measure, and return the result as a table."""
    with scratch_folder() as scratch:
        folder = scratch / "audit"
        write(folder)
        size = sum(file.stat().st_size for file in folder.iterdir())
        began = time.monotonic()
        _read(folder)
        reading = time.monotonic() - began
        rows = []
        for name, query in asked().items():
            duration, used, sent, found = measure(folder, query)
            say(f"{name}: {duration:.1f} s")
            figures = (seconds(duration), seconds(used), ratio(duration, reading))
            rows.append((name, *figures, megabytes(sent), str(found)))
    return Table(
        f"Questions to an audit log of {megabytes(size)} MB",
        ("question", "s", "host's processors s", "against reading it", "MB sent", "answers"),
        tuple(rows),
        f"Reading it, and counting its lines: {reading:.1f} s. One log, in the page cache.",
    )
