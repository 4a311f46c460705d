"""scripts/node/audit_log.sh on logs of the test: which lines it keeps, of which files."""

import gzip
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from model.audit import questions
from model.audit.events import Event, parse
from model.audit.prefilter import SYSTEM_USERS
from model.audit.query import Query
from model.audit.resources import ObjectName
from model.render import node_scripts
from ops.hosts.audit_logs import NO_AUDIT_LOG, lines, settings
from ops.hosts.operations import OPERATIONS
from tests.audit_events import NOW, line
from tests.hostile import texts

DAY = timedelta(days=1)
ALL = Query(questions.changes(), NOW + DAY)
SECONDS = 60


@dataclass(frozen=True)
class Logs:
    """A folder of logs, as /var/log/kubernetes/audit."""

    folder: Path

    def write(self, name: str, *content: bytes) -> Path:
        file = self.folder / name
        data = b"".join(content)
        file.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return file

    def command(self, query: Query, before: str = "") -> list[str]:
        text = node_scripts.compose(OPERATIONS["audit_log"].script, settings(query))
        text = text.replace(
            "\nAUDIT_FOLDER=/var/log/kubernetes/audit", f"\nAUDIT_FOLDER={self.folder}"
        )
        return ["bash", "-c", f"{text}{before}\naudit_log"]

    def run(self, query: Query, before: str = "") -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            self.command(query, before),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
        )

    def found(self, query: Query, before: str = "") -> list[Event]:
        """What answers the query among the lines that the script keeps."""
        ran = self.run(query, before)
        assert ran.returncode == 0, ran.stderr
        assert set(ran.stderr.decode().split("\t")[:1]) <= {"begins", ""}
        return answers(query, ran.stdout.splitlines())

    def names(self, query: Query = ALL, before: str = "") -> list[str]:
        return [event.name for event in self.found(query, before)]


def answers(query: Query, text: Iterable[bytes]) -> list[Event]:
    events = ((each, parse(each)) for each in text)
    wanted = (query.answer(event, each) for each, event in events if event)
    return [event for event in wanted if event]


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    folder = tmp_path / "audit"
    folder.mkdir()
    return Logs(folder)


def deletion(name: str, days: int = 0, **more: Any) -> bytes:
    return line("delete", "pods", name, received=NOW - days * DAY, **more)


def test_all_files_are_read_the_oldest_first(logs: Logs) -> None:
    logs.write("audit.log", deletion("now"))
    logs.write("audit-2026-11-25T21-00-00.000.log", deletion("yesterday", 1))
    logs.write("audit-2026-11-24T21-00-00.000.log.gz", deletion("before", 2))
    for foreign in ("audit.log.1", "audit-old.log", "audit-2026-11-24T21-00-00.000.log.bak"):
        logs.write(foreign, deletion("foreign"))
    (logs.folder / "audit-2026-11-20T21-00-00.000.log").mkdir()
    ran = logs.run(ALL)
    assert [event.name for event in answers(ALL, ran.stdout.splitlines())] == [
        *("before", "yesterday", "now")
    ]
    assert ran.stderr.decode() == "begins\t2026-11-24T21:00:00.003000Z\n"


def test_files_from_before_the_time_are_skipped(logs: Logs) -> None:
    logs.write("audit-2026-11-25T10-00-00.000.log", deletion("mistaken"))
    logs.write("audit-2026-11-25T20-30-00.000.log", deletion("in time"))
    logs.write("audit.log", deletion("too old", 3), deletion("now"))
    query = replace(ALL, since=NOW - DAY)
    assert logs.names(query) == ["in time", "now"]
    assert logs.run(query).stderr.startswith(b"begins\t2026-11-26T"), "of the oldest file"


def test_a_log_without_events_is_empty(logs: Logs) -> None:
    assert logs.run(ALL).stderr == b""
    assert logs.names() == []
    logs.write("audit.log")
    assert logs.names() == []


def test_no_folder_is_no_log(logs: Logs) -> None:
    logs.folder.rmdir()
    assert logs.run(ALL).returncode == NO_AUDIT_LOG


def test_torn_and_foreign_lines_hide_no_other(logs: Logs) -> None:
    torn = deletion("torn")
    logs.write(
        "audit.log",
        *(b"foreign text\n", b"\0" * 3_000_000, b"\n", torn[: len(torn) // 2], b"\n"),
        *(b"\xff\xfe\n", deletion("a"), b"x" * 5_000_000, b"\n", deletion("b"), torn[:-40]),
    )
    assert logs.names() == ["a", "b"]


def test_a_hole_that_a_power_cut_left_is_an_error_that_is_named(logs: Logs) -> None:
    file = logs.write("audit.log", deletion("a"))
    with file.open("r+b") as opened:
        opened.truncate(1 << 30)
    ran = logs.run(ALL)
    assert ran.returncode == 1
    assert b"memory exhausted" in ran.stderr
    assert ran.stdout.startswith(b'{"kind":"Event"') or not ran.stdout


def test_a_damaged_compressed_file_is_an_error(logs: Logs) -> None:
    file = logs.write("audit-2026-11-24T21-00-00.000.log.gz", *(deletion("a") for _ in range(99)))
    file.write_bytes(file.read_bytes()[:-20])
    logs.write("audit.log", deletion("b"))
    ran = logs.run(ALL)
    assert ran.returncode == 1
    assert b"unexpected end of file" in ran.stderr


ROTATED = "audit-2026-11-26T21-00-00.000.log"


@pytest.mark.parametrize(
    "meanwhile",
    [
        f"mv audit.log {ROTATED}",
        f"mv audit.log {ROTATED}; : >audit.log",
        f"mv audit.log {ROTATED}; gzip {ROTATED}",
        f"mv audit.log {ROTATED}; gzip --keep {ROTATED}",
    ],
)
@pytest.mark.parametrize("moment", ["rotations", "report_beginning"])
def test_a_log_that_is_rotated_while_it_is_read_is_read_once(
    logs: Logs, meanwhile: str, moment: str
) -> None:
    """At the time of the call of a function that the script makes behind the first opening."""
    logs.write("audit-2026-11-25T21-00-00.000.log", deletion("yesterday", 1))
    logs.write("audit.log", deletion("now"))
    script = f"(cd '{logs.folder}' && [[ -s audit.log ]] && {{ {meanwhile}; }})"
    before = f'eval "real_$(declare -f {moment})"\n{moment}() {{ {script} >&2; real_{moment}; }}'
    found = logs.names(ALL, before)
    # Compressed before the list was made, it is another file: its copy is the same event.
    is_other_file = moment == "rotations" and meanwhile.endswith(f"gzip {ROTATED}")
    assert found == ["yesterday", "now", *(["now"] if is_other_file else [])]


def test_a_file_that_is_removed_while_it_is_read_is_skipped(logs: Logs) -> None:
    rotated = logs.write("audit-2026-11-25T21-00-00.000.log", deletion("gone", 1))
    logs.write("audit.log", deletion("now"))
    before = (
        'eval "real_$(declare -f report_beginning)"\n'
        f"report_beginning() {{ rm -f '{rotated}'; real_report_beginning; }}"
    )
    assert logs.names(ALL, before) == ["now"]


def test_a_request_cannot_forge_the_logs_beginning(logs: Logs) -> None:
    forged = '{"stageTimestamp":"2000-01-01T00:00:00.000000Z"}'
    logs.write("audit.log", deletion("a", body=forged, annotations={"b": forged}))
    assert logs.run(ALL).stderr.decode() == "begins\t2026-11-26T21:00:00.003000Z\n"


def test_it_ends_when_nobody_reads(logs: Logs) -> None:
    logs.write("audit.log", deletion("a") * 200_000)
    process = subprocess.Popen(
        logs.command(ALL),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout
    process.stdout.read(10)
    process.stdout.close()
    assert process.wait(timeout=SECONDS) != 0


USERS = (
    *("alice", "a", "s", "sys", "system:", "system:n", "system:nodes", "system:anonymous", ""),
    *("system:kube", "system:serviceaccount:kube-syste:x", "system:serviceaccount:kube-systemx:y"),
    *("system:serviceaccount:shop:deployer", 'quo"te', "back\\slash", "テスト", "a<b>&c"),
    *(f"{prefix}x" for prefix in SYSTEM_USERS),
    *SYSTEM_USERS,
)
OTHERS = 'x"username":"system:node:a"'


def busy() -> list[bytes]:
    """Requests of every user, of every kind that a question is about, and others."""
    made = []
    kinds: tuple[dict[str, Any], ...] = (
        *({"verb": verb, "resource": "pods", "name": "web-0"} for verb in ("patch", "delete")),
        {"verb": "deletecollection"},
        {"verb": "create", "name": "web-0", "subresource": "eviction", "code": 201},
        {"verb": "delete", "resource": "namespaces", "name": "shop"},
        {"verb": "patch", "name": OTHERS, "agent": OTHERS, "body": '{"username":"system:node:a"}'},
        {"verb": "get", "resource": "secrets", "name": "db"},
        {"verb": "list", "resource": "secrets", "namespace": ""},
        {"verb": "get", "subresource": "exec", "name": "web-0", "code": 101},
        {"verb": "get", "resource": "nodes", "subresource": "proxy", "uri": "/proxy/run/a"},
        {"verb": "get", "code": 403, "message": 'User "alice" cannot get'},
        {"verb": "create", "code": 422, "message": 'Policy "a" denied request: "no"'},
        {"verb": "list", "annotations": {"k8s.io/deprecated": "true"}},
        {"verb": "get", "resource": "", "uri": "/metrics", "namespace": ""},
    )
    for number, user in enumerate(USERS):
        time = NOW - timedelta(hours=7 * number)
        for kind in kinds:
            made.append(line(user=user, received=time, **kind))
            made.append(line(user=user, received=time, impersonated="bob", **kind))
    return made


POD = ObjectName.parse(("pods/web-0",), needs_name=True)
ODD = ObjectName.parse((f"pods/{OTHERS}",), needs_name=True)
QUESTIONS = (
    questions.changes(),
    questions.changes(POD),
    questions.changes(ODD),
    questions.denied(),
    questions.secrets(),
    questions.secrets("db"),
    questions.sessions(),
    questions.deletions(POD, frozenset(("shop",))),
    questions.deletions(ODD),
    questions.deprecated(),
)
LIMITS: tuple[dict[str, Any], ...] = (
    {},
    {"all_users": True},
    {"users": frozenset(("alice", "bob"))},
    {"users": frozenset(("alice", 'quo"te', "a<b>&c"))},
    {"namespaces": frozenset(("shop",))},
    {"namespaces": frozenset(("テスト", "shop"))},
    {"since": NOW - timedelta(minutes=1)},
    {"since": NOW - timedelta(hours=26)},
    {"since": NOW - timedelta(days=5), "until": NOW - DAY},
    {"since": NOW - timedelta(days=900)},
    {"since": NOW + timedelta(days=30)},
)


@pytest.mark.parametrize("limits", LIMITS, ids=[f"limits{number}" for number in range(len(LIMITS))])
def test_filters_of_a_host_keep_everything_that_is_wanted(
    logs: Logs, limits: dict[str, Any]
) -> None:
    text = busy()
    logs.write("audit.log", *text)
    for question in QUESTIONS:
        query = Query(question, NOW, **limits)
        wanted = answers(query, text)
        assert logs.found(query) == wanted, question.name
        if not limits:
            assert 0 < len(wanted) < len(text)


def test_no_text_of_a_user_is_executed_or_an_expression(logs: Logs, tmp_path: Path) -> None:
    """All of the hostile texts, as a user, as a namespace and as a name."""
    canary = tmp_path / "canary"
    given = [*texts(canary), "a.c", ".*", "--help", "-f/etc/passwd", "[", "(", "\\", "a\nb"]
    logs.write("audit.log", deletion("abc", user="abc", namespace="abc"))
    given = [text for text in given if text]
    for user, namespace, name in zip(given[::3], given[1::3], given[2::3], strict=False):
        wanted = ObjectName(frozenset(("pods",)), None, name)
        query = Query(questions.deletions(wanted), NOW)
        assert logs.found(replace(query, users=frozenset((user,)))) == []
        assert logs.found(replace(query, namespaces=frozenset((namespace,)))) == []
    assert not canary.exists()


def test_hostile_texts_are_found_as_they_are(logs: Logs, tmp_path: Path) -> None:
    given = [text for text in texts(tmp_path / "canary") if text][::20]
    logs.write("audit.log", *(deletion("a", user=text[:4000]) for text in given))
    for text in given:
        query = Query(questions.changes(), NOW, users=frozenset((text[:4000],)))
        assert {event.user for event in logs.found(query)} == {text[:4000]}
    assert not (tmp_path / "canary").exists()


class Pieces:
    """What a channel receives."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._left = iter(pieces)

    def __call__(self, _size: int) -> bytes:
        return next(self._left)


def test_lines_are_complete_whatever_the_pieces() -> None:
    text = b"".join([deletion("a"), b"\n", b"x" * 100, b"\n", deletion("b"), b"torn"])
    for size in (1, 7, 100, 100_000):
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        pieces.append(b"")
        assert list(lines(Pieces(pieces))) == text.split(b"\n")


def test_a_line_that_is_too_long_is_not_kept() -> None:
    pieces = Pieces([b"a\n" + b"x" * 60, b"x" * 60, b"x\nb\n", b""])
    assert list(lines(pieces, longest=100)) == [b"a", None, b"b"]
