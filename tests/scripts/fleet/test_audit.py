"""`fleet audit` against a real sshd, with the real script and logs of the test."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from model.audit.report import AuditReport
from model.render import node_scripts
from ops.hosts import audit_logs
from ops.hosts.inventory import Inventory, MachineEntry
from scripts import report_schema
from scripts.fleet import access, engine_run
from scripts.fleet.__main__ import cli
from tests.audit_events import line
from tests.hostile import texts
from tests.scripts.fleet.hosts import login
from tests.sshd import KeyPair, Sshd

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
FOLDER = "AUDIT_FOLDER=/var/log/kubernetes/audit"
Fleet = Callable[..., int]


def ago(hours: float, verb: str = "delete", name: str = "web-0", **more: Any) -> bytes:
    return line(verb, more.pop("resource", "pods"), name, received=NOW - hours * HOUR, **more)


class Logs:
    """The logs of control planes, by the port of none: a machine has the folder of its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, node: str, *content: bytes) -> None:
        (self.folder / node).mkdir(exist_ok=True)
        (self.folder / node / "audit.log").write_bytes(b"".join(content))


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    return Logs(tmp_path)


@pytest.fixture
def fleet(host: Sshd, key: KeyPair, monkeypatch: pytest.MonkeyPatch, logs: Logs) -> Fleet:
    """Runs `fleet audit` for cluster `one` with two control planes, and a silent `other`."""
    entry: MachineEntry = {
        "address": "192.0.2.1",
        "role": "control-plane",
        "pool": "",
        "driver": "existing",
    }
    there = login(host, key)
    known: MachineEntry = {**entry, "login": there.to_props()}
    silent: MachineEntry = {**entry, "login": replace(there, port=1).to_props()}
    output: dict[str, dict[str, MachineEntry]] = {
        "one": {"one-cp-0": known, "one-cp-1": known, "one-worker-0": {**silent, "role": "worker"}},
        "other": {"other-cp-0": silent},
    }
    real_compose, real_read = node_scripts.compose, audit_logs._read

    def read(machine: Any, *others: Any) -> Any:
        def compose(script: str, settings: Mapping[str, str]) -> str:
            text = real_compose(script, settings)
            assert text.count(f"\n{FOLDER}\n") == 1
            return text.replace(f"\n{FOLDER}\n", f"\nAUDIT_FOLDER={logs.folder / machine.name}\n")

        monkeypatch.setattr(node_scripts, "compose", compose)
        return real_read(machine, *others)

    monkeypatch.setattr(audit_logs, "_read", read)
    # Serially, since the folder is in the text that is composed.
    monkeypatch.setattr(audit_logs, "PARALLEL_MACHINES", 1)
    monkeypatch.setattr(engine_run, "inventory", lambda _stack: Inventory(output))
    monkeypatch.setattr(engine_run, "existing_engine", lambda stack: stack)
    monkeypatch.setattr(access, "matching_clusters", lambda _stack, _selector: ["one"])
    for node in ("one-cp-0", "one-cp-1"):
        logs.write(node, ago(48, "get"))

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            cli.main(["audit", *arguments])
        status: Any = ended.value.code
        return int(status)

    return run


def rows(capfd: pytest.CaptureFixture[str]) -> list[list[str]]:
    return [
        [word.strip() for word in re.split(r"  +", line.strip())]
        for line in capfd.readouterr().out.splitlines()
    ]


def test_events_of_all_control_planes_are_sorted(
    fleet: Fleet, logs: Logs, capfd: pytest.CaptureFixture[str]
) -> None:
    logs.write("one-cp-0", ago(48, "get"), ago(3, name="c"), ago(1, name="a"))
    logs.write("one-cp-1", ago(48, "get"), ago(2, name="b"), ago(1, name="x", code=404))
    assert fleet("changes", "-l", "a=b") == 0
    head, *found = rows(capfd)
    assert head == ["TIME", "CLUSTER", "USER", "VERB", "RESOURCE", "NAMESPACE", "NAME"]
    assert [row[1:] for row in found] == [
        ["one", "alice", "delete", "pods", "shop", name] for name in ("c", "b", "a")
    ]
    assert found[0][0] == f"{NOW - 3 * HOUR:%Y-%m-%dT%H:%M:%SZ}"


def test_a_control_plane_that_cannot_be_read_is_named(
    fleet: Fleet, logs: Logs, capfd: pytest.CaptureFixture[str]
) -> None:
    logs.write("one-cp-0", ago(48, "get"), ago(1))
    assert fleet("changes") == 2
    shown = capfd.readouterr()
    assert "web-0" in shown.out
    assert "fleet: other-cp-0: " in shown.err
    assert "cannot be reached" in shown.err
    assert "one-worker-0" not in shown.err, "workers have no audit log"


def test_a_control_plane_without_a_log_is_named(
    fleet: Fleet, logs: Logs, capfd: pytest.CaptureFixture[str]
) -> None:
    (logs.folder / "one-cp-1" / "audit.log").unlink()
    (logs.folder / "one-cp-1").rmdir()
    assert fleet("changes", "--cluster", "one") == 2
    assert "one-cp-1: there is no /var/log/kubernetes/audit" in capfd.readouterr().err


def test_an_answer_says_how_far_back_the_logs_go(
    fleet: Fleet, logs: Logs, capfd: pytest.CaptureFixture[str]
) -> None:
    only = ("--cluster", "one")
    assert fleet("changes", *only) == 0
    assert capfd.readouterr().err == "fleet: no such requests were found\n"
    logs.write("one-cp-1", ago(2, "get"))
    assert fleet("changes", *only) == 0
    begins = f"{NOW - 2 * HOUR:%Y-%m-%dT%H:%M:%SZ}"
    assert f"not known: the log of one-cp-1 begins at {begins}\n" in capfd.readouterr().err
    assert fleet("changes", *only, "--since", "1h") == 0
    assert "not known" not in capfd.readouterr().err
    assert fleet("who-deleted", "pods/web-0", *only) == 0
    assert f"begins at {begins}, of 2 such logs" in capfd.readouterr().err


def test_the_newest_rows_are_shown(
    fleet: Fleet, logs: Logs, capfd: pytest.CaptureFixture[str]
) -> None:
    logs.write("one-cp-0", ago(48, "get"), *(ago(3 - n, name=f"web-{n}") for n in range(3)))
    assert fleet("changes", "--cluster", "one", "--limit", "2", "--no-headers") == 0
    shown = capfd.readouterr()
    assert [row.split()[-1] for row in shown.out.splitlines()] == ["web-1", "web-2"]
    assert "there are more" in shown.err


SESSION: dict[str, Any] = {"subresource": "exec", "verb": "get", "code": 101}
EVENTS = {
    "denied": ago(1, "list", "", code=403, message="no"),
    "secrets": ago(1, "get", "db", resource="secrets"),
    "exec": ago(2, uri="/a?command=sh&command=-c&command=a b", **SESSION),
    "who-deleted": ago(1),
    "deprecated": ago(1, "list", annotations={"k8s.io/deprecated": "true"}),
}
CELLS = {
    "denied": ["list", "pods", "shop", "*", "403", "no"],
    "secrets": ["get", "shop", "db"],
    "exec": ["exec", "shop", "web-0", "-", "0s", "sh -c 'a b'"],
    "who-deleted": ["delete", "pods", "shop", "web-0"],
    "deprecated": ["pods", "v1", "-", "1"],
}


@pytest.mark.parametrize("question", CELLS)
def test_each_question_has_its_columns(
    fleet: Fleet, logs: Logs, capfd: pytest.CaptureFixture[str], question: str
) -> None:
    logs.write("one-cp-0", ago(48, "get"), *EVENTS.values())
    words = ["pod", "web-0"] if question == "who-deleted" else []
    assert fleet(question, *words, "--cluster", "one", "--no-headers") == 0
    (row,) = rows(capfd)
    place = row.index("alice") + 1
    assert row[place : place + len(CELLS[question])] == CELLS[question]


@pytest.mark.parametrize("question", ["changes", *CELLS])
def test_documents_have_the_fields_of_the_schema(
    fleet: Fleet, logs: Logs, capfd: pytest.CaptureFixture[str], question: str
) -> None:
    logs.write("one-cp-0", *EVENTS.values())
    words = ["pod", "web-0"] if question == "who-deleted" else []
    assert fleet(question, *words, "-o", "json") == 2
    document = json.loads(capfd.readouterr().out)
    schema = json.loads((report_schema.DOCS / "audit.schema.json").read_text())
    assert document.keys() == schema["properties"].keys()
    for entry, kind in zip(
        (*document["events"], *document["clients"]),
        ["DeprecatedClient" if question == "deprecated" else "AuditEvent"],
        strict=True,
    ):
        assert entry.keys() == schema["$defs"][kind]["properties"].keys()
    report = AuditReport.model_validate(document)
    assert len(report.events) + len(report.clients) == 1
    assert [each.node for each in report.unreadable] == ["other-cp-0"]
    assert {each.node for each in report.sources} == {"one-cp-0", "one-cp-1"}


def test_wide_and_documents_name_the_fields_of_a_patch(
    fleet: Fleet, logs: Logs, capfd: pytest.CaptureFixture[str]
) -> None:
    logs.write("one-cp-0", ago(1, "patch", body='{"spec":{"replicas":3}}'))
    assert fleet("changes", "--cluster", "one", "-o", "wide") == 0
    assert "spec.replicas" in capfd.readouterr().out
    assert fleet("changes", "--cluster", "one", "-o", "json") == 0
    assert json.loads(capfd.readouterr().out)["events"][0]["changedFields"] == ["spec.replicas"]


def odd(tmp_path: Path) -> list[bytes]:
    """Requests with hostile texts in every field that a client chooses, and rich's markup."""
    given = [
        *texts(tmp_path / "canary"),
        "[red]x[/red]",
        "[/]",
        "<script>alert(1)</script>",
        "&amp;",
    ]
    return [
        ago(1, name=text[:300], user=text[:300] or "x", agent=text[:300], uri=f"/a?{number}")
        for number, text in enumerate(given)
    ]


@pytest.mark.parametrize("output", ["table", "wide", "html"])
def test_a_terminal_and_a_browser_obey_no_text_of_a_client(
    fleet: Fleet, logs: Logs, tmp_path: Path, capfd: pytest.CaptureFixture[str], output: str
) -> None:
    lines = odd(tmp_path)
    logs.write("one-cp-0", *lines)
    assert fleet("changes", "--cluster", "one", "-o", output, "--limit", "9999") == 0
    shown = capfd.readouterr().out
    allowed = "\n"
    assert [each for each in shown if not each.isprintable() and each not in allowed] == []
    if output == "html":
        page = Page(shown)
        assert page.tags <= KNOWN
        assert len(page.cells) == len(lines) * 12
        assert "<script>alert(1)</script>" in page.cells
    else:
        assert len(shown.splitlines()) == len(lines) + 1
        assert "[red]x[/red]" in shown
    assert not (tmp_path / "canary").exists()


KNOWN = {
    *("html", "head", "meta", "title", "style", "body", "main", "h1", "p", "div", "table"),
    *("caption", "thead", "tbody", "tr", "th", "td"),
}


class Page(HTMLParser):
    """What a browser makes of a page: tags, attributes, and the cells' texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.cells: list[str] = []
        self.style = ""
        self._within = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = tag
        self.tags.add(tag)
        self.attributes += attrs
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "td":
            self.cells[-1] += data
        if self._within == "style":
            self.style += data


def test_a_page_needs_nothing_else_and_runs_nothing(
    fleet: Fleet, logs: Logs, capfd: pytest.CaptureFixture[str]
) -> None:
    logs.write("one-cp-0", ago(1))
    assert fleet("changes", "-o", "html") == 2
    text = capfd.readouterr().out
    page = Page(text)
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'"
    assert ("content", policy) in page.attributes
    names = {name for name, _ in page.attributes}
    assert not names & {"src", "href", "style"} and not any(name[:2] == "on" for name in names)
    assert "url(" not in page.style and "@import" not in page.style
    assert "prefers-color-scheme: dark" in page.style and "@media print" in page.style
    assert "Not read: other, other-cp-0" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("changes", "--since", "2026-11-26T21:00:00"), "has no time zone"),
        (("changes", "--since", "yesterday"), "neither a duration"),
        (("changes", "--since", "99999999d"), "too long ago"),
        (("changes", "--since", "1h", "--until", "2h"), "--since is later than --until"),
        (("changes", "--cluster", "one", "-l", "a=b"), "cannot be combined"),
        (("who-deleted", "web-0"), "TYPE/NAME"),
        (("who-deleted",), "TYPE/NAME"),
        (("changes", "--limit", "0"), "0 is not in the range"),
    ],
)
def test_wrong_usage_is_an_error(
    fleet: Fleet, capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert fleet(*arguments) == 2
    assert said in capfd.readouterr().err


def test_times_have_zones(fleet: Fleet, logs: Logs, capfd: pytest.CaptureFixture[str]) -> None:
    logs.write("one-cp-0", ago(48, "get"), ago(3, name="a"), ago(1, name="b"))
    since = (NOW - 2 * HOUR + 9 * HOUR).strftime("%Y-%m-%dT%H:%M:%S+09:00")
    assert fleet("changes", "--cluster", "one", "--since", since, "--no-headers") == 0
    assert [row[-1] for row in rows(capfd)] == ["b"]
    assert fleet("changes", "--cluster", "one", "--until", since, "--no-headers") == 0
    assert [row[-1] for row in rows(capfd)] == ["a"]
