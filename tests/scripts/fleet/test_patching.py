"""`fleet patch`: when it writes a round, into which clusters, and when the file is as it was."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import click
import pytest
import yaml
from click.testing import CliRunner

from ops.errors import OperatorError
from ops.hosts.inventory import Inventory, InventoryMachine
from ops.hosts.operations import OPERATIONS
from ops.hosts.patches import SOURCES_UNREAD, PatchReport
from ops.hosts.session import TOO_LONG, OperationFailed
from ops.hosts.ssh_errors import Unreachable
from ops.pulumi.engine import Engine
from scripts.fleet import file_change, patching
from scripts.fleet.commands import patch as command
from scripts.fleet.engine_run import RunFailed
from scripts.fleet.patching import Pending

FILE = """\
config:
  kubeadm-fleet:fleet:
    clusters:
      one:  # ours
        upgrades: {securityUpdates: 20260101T000000Z, force: true}
      two:
        workers: {count: 1}
      three:
"""
NOW = datetime(2026, 11, 26, 21, 40, tzinfo=UTC)
ROUND = "20261126T214000Z"
OPENSSL = PatchReport(updates=("openssl 3.0.1 3.0.2",))


def machine(name: str) -> InventoryMachine:
    """A machine of the cluster that its name begins with."""
    return InventoryMachine(name, name.partition("-")[0], "worker", "", "", "existing", None)


class Stack:
    """A stack's file, what its machines say, and the runs of its engine."""

    def __init__(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file = file
        self.ran: list[str] = []
        self.says: dict[str, PatchReport | OperatorError] = {
            "one-0": PatchReport(),
            "two-0": OPENSSL,
            "three-0": PatchReport(),
        }
        workspace = SimpleNamespace(stack="dev", tracked_config=file)
        engine = cast(Engine, SimpleNamespace(workspace=workspace, prepare=lambda: True))
        monkeypatch.setattr(patching, "existing_engine", lambda _stack: engine)
        monkeypatch.setattr(patching, "inventory", lambda _stack: cast(Inventory, None))
        monkeypatch.setattr(patching, "survey", self.survey)
        monkeypatch.setattr(patching, "require_unlocked", lambda _engine: None)
        monkeypatch.setattr(file_change, "save_identities_for_rotation", lambda _engine: None)
        monkeypatch.setattr(file_change, "run", lambda _engine, verb, _output: self.run(verb))
        monkeypatch.setattr(file_change, "up", lambda _stack: self.run("up"))
        monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))

    def survey(self, _machines: Inventory, clusters: list[str]) -> list[Pending]:
        return [
            Pending(machine(name), error=said)
            if isinstance(said, OperatorError)
            else Pending(machine(name), said)
            for name, said in self.says.items()
            if not clusters or name.partition("-")[0] in clusters
        ]

    def run(self, verb: str) -> None:
        self.ran.append(verb)

    def rounds(self) -> dict[str, str]:
        clusters = yaml.safe_load(self.file.read_text())["config"]["kubeadm-fleet:fleet"][
            "clusters"
        ]
        found = {name: (known or {}).get("upgrades", {}) for name, known in clusters.items()}
        return {name: known.get("securityUpdates", "") for name, known in found.items()}


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack of three clusters of which one has something pending."""
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(FILE)
    return Stack(file, monkeypatch)


def patch(clusters: tuple[str, ...] = (), **changes: Any) -> None:
    patching.patch("dev", clusters, None, **{"write_only": False, "yes": True, **changes})


def test_only_clusters_with_updates_get_a_round_which_is_previewed_and_applied(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    patch()
    assert stack.ran == ["preview", "up"]
    rounds = stack.rounds()
    assert (rounds["one"], rounds["three"]) == ("20260101T000000Z", "")
    assert rounds["two"] > ROUND[:8]
    assert "one:  # ours" in stack.file.read_text()
    said = capsys.readouterr()
    assert "two-0:\n  openssl 3.0.1 -> 3.0.2\n" in said.out
    assert "+" in said.err and "securityUpdates" in said.err


@pytest.mark.parametrize(
    "report",
    [PatchReport(reboot="the system asks for it"), PatchReport(incomplete="openssl"), OPENSSL],
)
def test_a_reboot_and_an_interrupted_installation_are_reasons_for_a_round(
    stack: Stack, report: PatchReport
) -> None:
    stack.says = {"three-0": report}
    patch(("three",))
    assert stack.rounds()["three"]


def test_nothing_is_written_where_nothing_is_pending(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    patch(("one",))
    stack.says = {}
    patch()
    assert stack.file.read_text() == FILE
    assert stack.ran == []
    assert "nothing is pending" in capsys.readouterr().err


def test_a_dry_run_lists_and_changes_nothing(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.says["one-0"] = PatchReport(kernels=("linux-image-6.1.0-31-amd64",), kept=("d", "e"))
    assert patching.show_pending("dev", [], None) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[1] == ["one", "one-0", "0", "d", "e", "yes:", "linux-image-6.1.0-31-amd64"]
    assert rows[2][:4] == ["two", "two-0", "1", "-"]
    assert rows[3][-1] == "no"
    stack.says["three-0"] = Unreachable("three-0: no route to host")
    assert patching.show_pending("dev", [], None) == 1
    assert "no route to host" in capsys.readouterr().err
    assert stack.file.read_text() == FILE
    assert stack.ran == []


def test_the_rows_say_why_the_updates_of_a_machine_are_unknown(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.says["one-0"] = OperationFailed("one-0: apt-get could not read", SOURCES_UNREAD)
    stack.says["three-0"] = OperationFailed("three-0: survey patches timed out", TOO_LONG)
    assert patching.show_pending("dev", [], None) == 1
    shown = capsys.readouterr()
    rows = [" ".join(line.split()) for line in shown.out.splitlines()]
    assert rows[1] == "one one-0 unknown: its package sources could not be read - -"
    assert rows[2].startswith("two two-0 1 -")
    assert rows[3] == "three three-0 unknown: timed out - -"
    assert "one-0: apt-get could not read" in shown.err
    assert OPERATIONS[patching.SURVEY].seconds <= 180


def test_machines_with_the_same_packages_share_their_lines() -> None:
    other = PatchReport(updates=("bash 1 2",))
    pending = [Pending(machine(f"one-{n}"), OPENSSL if n < 3 else other) for n in range(4)]
    assert patching.by_packages(pending) == [
        (("bash 1 -> 2",), ["one-3"]),
        (("openssl 3.0.1 -> 3.0.2",), ["one-0", "one-1", "one-2"]),
    ]


def test_an_unreachable_machine_keeps_no_other_one_from_its_updates(stack: Stack) -> None:
    stack.says["two-1"] = Unreachable("two-1: no route to host")
    patch()
    assert stack.ran == ["preview", "up"]


def test_a_machine_that_cannot_be_patched_ends_it_before_anything_is_written(stack: Stack) -> None:
    stack.says["two-1"] = OperatorError("two-1: no source of security updates is configured")
    with pytest.raises(OperatorError, match="two-1: see above why"):
        patch()
    assert stack.file.read_text() == FILE
    assert stack.ran == []


def test_a_file_for_a_pull_request_is_written_and_nothing_runs(stack: Stack) -> None:
    patch(write_only=True, yes=False)
    assert stack.rounds()["two"]
    assert stack.ran == []


@pytest.mark.parametrize("error", [RunFailed("refused"), KeyboardInterrupt(), click.Abort()])
def test_a_refused_preview_leaves_the_file_as_it_was(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def refuse(*_: Any) -> None:
        assert stack.rounds()["two"]
        raise error

    monkeypatch.setattr(file_change, "run", refuse)
    with pytest.raises(type(error)):
        patch()
    assert stack.file.read_text() == FILE


def test_without_a_terminal_or_with_an_unknown_cluster_nothing_is_asked(stack: Stack) -> None:
    stack.says = {}
    with pytest.raises(OperatorError, match=r"no terminal.*--dry-run"):
        patch(yes=False)
    with pytest.raises(OperatorError, match=r"no cluster four; its clusters: one, two, three"):
        patch(("four",))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", ROUND),
        ("20260101T000000Z", ROUND),
        (ROUND, "20261126T214001Z"),
        ("22061126T214000Z", "22061126T214001Z"),
        ("some day", ROUND),
    ],
)
def test_a_round_is_always_later_than_the_last(given: str, expected: str) -> None:
    assert patching.next_round(given, NOW) == expected


@pytest.mark.parametrize(
    "arguments",
    [["--cluster", "one", "-l", "a=b"], ["--dry-run", "--yes"], ["--dry-run", "--write-only"]],
)
def test_options_that_contradict_each_other_are_refused(arguments: list[str]) -> None:
    assert CliRunner().invoke(command.command, arguments).exit_code == 2
