"""`fleet rotate`: what it writes into the stack's file, and when the file is as it was."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import click
import pytest
import yaml

from model.config.rotations import RotationPhases
from model.pki import certificates
from model.rotation_phases import FINISH, NAMES, PREPARE, SWITCH, config_key
from ops.errors import OperatorError
from ops.pulumi import engine as engines
from ops.pulumi.deployment import Deployment
from ops.pulumi.locks import Lock
from scripts.fleet import file_change, rotation, rotation_begin
from scripts.fleet.changes import Change, Changes, ClusterChanges, Subject
from scripts.fleet.engine_run import RunFailed, StackLocked
from scripts.fleet.rotation_begin import Reached
from tests.scripts.fleet.deployments import deployed

FILE = """\
config:
  kubeadm-fleet:fleet:
    clusters:
      one:  # ours
        rotations: {ca: switch}
      two:
        workers: {count: 1}
"""
CLUSTERS = yaml.safe_load(FILE)["config"]["kubeadm-fleet:fleet"]["clusters"]


class Held:
    """The locks of the stack."""

    locks: ClassVar[list[Lock]] = []


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a stack, whose engine has it."""
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(FILE)
    path.chmod(0o644)
    people = {"alice": {"clusters": ["one"]}, "bob": {"clusters": ["one", "two"]}}
    workspace = SimpleNamespace(stack="dev", tracked_config=path)
    made = SimpleNamespace(
        workspace=workspace,
        outputs=lambda: {"people": people},
        deployment=lambda: applied(path.read_text()),
        locks=lambda: Held.locks,
        prepare=lambda: True,
    )
    engine = cast(engines.Engine, made)
    monkeypatch.setattr(rotation, "existing_engine", lambda _stack: engine)
    return path


def applied(text: str) -> Deployment:
    """The state after a run with this text of the file."""
    clusters = yaml.safe_load(text)["config"]["kubeadm-fleet:fleet"]["clusters"]
    phases = {name: its.get("rotations", {}).get("ca", "") for name, its in clusters.items()}
    made = certificates.new_authority("kubernetes", timedelta(days=1)).cert_pem
    return deployed(
        {
            f"{name}-ca": ("CertificateAuthority", {"phase": phase, "certificate": made})
            for name, phase in phases.items()
        }
        | {
            f"{name}-rollout": ("Rollout", {"rotations": {"ca": phase} if phase else {}})
            for name, phase in phases.items()
        }
    )


def rotate(**changes: Any) -> None:
    known: dict[str, Any] = {"phase": None, "write_only": False, "yes": True, **changes}
    rotation.rotate("dev", "ca", ["two"], None, **known)


def edited(subject: str, *names: str, phase: str | None = None) -> Any:
    text = rotation.edited(FILE, CLUSTERS, subject, names, phase)
    clusters = yaml.safe_load(text)["config"]["kubeadm-fleet:fleet"]["clusters"]
    return {name: clusters[name].get("rotations") for name in clusters}


def test_each_cluster_gets_the_phase_that_follows_its_own() -> None:
    assert edited("ca", "one", "two") == {"one": {"ca": FINISH}, "two": {"ca": PREPARE}}
    assert edited("ca", "one", phase=PREPARE)["one"] == {"ca": PREPARE}
    assert edited("service-account", "one")["one"] == {"ca": SWITCH, "serviceAccount": PREPARE}


def test_clusters_of_different_phases_are_refused_unless_the_phase_is_named(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose rotation is finished would begin another one while the others end theirs."""
    monkeypatch.setattr(file_change, "run", None)
    expected = r"different phases of the rotation of ca \(one: switch, two: none\)"
    options: Any = {"write_only": True, "yes": False}
    with pytest.raises(OperatorError, match=expected):
        rotation.rotate("dev", "ca", ["one", "two"], None, None, **options)
    assert file.read_text() == FILE
    rotation.rotate("dev", "ca", ["one", "two"], None, PREPARE, **options)
    assert file.read_text().count("ca: prepare") == 2


def test_an_unknown_cluster_is_refused_with_those_there_are() -> None:
    with pytest.raises(OperatorError, match="no cluster three; its clusters: one, two"):
        edited("ca", "three")


def test_every_subject_has_a_key_of_the_config() -> None:
    keys = {str(info.alias) for info in RotationPhases.model_fields.values()}
    assert {config_key(name) for name in NAMES} == keys - {"acknowledge", "immediate"}
    assert rotation.BREAKS.keys() == NAMES.keys(), "what --now breaks"


def test_a_file_for_a_pull_request_is_written_and_nothing_runs(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(file_change, "run", None)
    rotate(write_only=True, yes=False)
    assert "        rotations:\n          ca: prepare\n" in file.read_text()
    assert "# ours" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o644
    assert "+          ca: prepare" in capsys.readouterr().err


@pytest.mark.parametrize("error", [RunFailed("refused"), KeyboardInterrupt()])
def test_a_refused_phase_leaves_the_file_as_it_was(
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
) -> None:
    def refuse(*_: Any) -> None:
        assert "prepare" in file.read_text()
        raise error

    monkeypatch.setattr(file_change, "run", refuse)
    with pytest.raises(type(error)):
        rotate()
    assert file.read_text() == FILE
    assert capsys.readouterr().err.endswith("Pulumi.dev.yaml is unchanged\n")


def test_a_no_leaves_the_file_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_change, "run", lambda *_: Changes())
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))

    def decline(*_: Any, **__: Any) -> None:
        raise click.Abort

    monkeypatch.setattr("click.confirm", decline)
    with pytest.raises(click.Abort):
        rotate(yes=False)
    assert file.read_text() == FILE


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"clusters": ["three"]}, "no cluster three; its clusters: one, two"),
        ({"clusters": ["one", "two"]}, "different phases"),
        ({"phase": SWITCH}, "two: the rotation of ca cannot go from no phase to switch: nothing"),
        ({"clusters": ["one"], "phase": ""}, None),
    ],
    ids=["cluster", "phases", "phase", "none"],
)
def test_wrong_input_is_refused_before_a_terminal_is_missed(
    file: Path, monkeypatch: pytest.MonkeyPatch, changes: Any, error: str | None
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    known = {"clusters": ["two"], "phase": None, **changes}
    with pytest.raises(OperatorError, match=error or "there is no terminal"):
        rotation.rotate(
            "dev",
            "ca",
            known["clusters"],
            None,
            known["phase"] or None,
            write_only=False,
            yes=False,
        )
    assert file.read_text() == FILE


def test_a_misspelled_cluster_is_refused_before_an_immediate_rotation_asks(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    with pytest.raises(OperatorError, match="no cluster three"):
        rotate_now(clusters=["three"], yes=False)
    with pytest.raises(OperatorError, match="no terminal for the question whether to accept"):
        rotate_now(yes=False)
    assert file.read_text() == FILE


def test_a_phase_that_is_reached_is_said_and_nothing_runs(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(file_change, "run", None)
    rotation.rotate("dev", "ca", ["one"], None, SWITCH, write_only=False, yes=True)
    expected = "one: already: ca is in the phase switch; next: fleet rotate ca --cluster one -s dev"
    assert capsys.readouterr().out == f"{expected}\n"
    assert file.read_text() == FILE


def test_a_finished_rotation_is_followed_by_a_new_one_that_is_named(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(FILE.replace("switch", "finish"))
    monkeypatch.setattr(file_change, "run", lambda *_: Changes())
    monkeypatch.setattr(file_change, "up", lambda _stack: None)
    rotation.rotate("dev", "ca", ["one"], None, None, write_only=False, yes=True)
    said = capsys.readouterr().err
    new = "one: this begins a new rotation of ca; its last one is complete, its CA is from 20"
    assert new in said
    rotate()
    assert "two: this begins a new rotation of ca\n" in capsys.readouterr().err


def test_the_phase_of_the_key_for_secrets_is_read_from_the_state() -> None:
    resources: dict[str, Any] = {
        "one-encryption": ("EncryptionKeys", {"phase": FINISH, "keys": []}),
        "one-rollout": ("Rollout", {"rotations": {"encryption": SWITCH}}),
    }
    state = deployed(resources)
    assert rotation_begin.reached(state, "one", "encryption") == Reached(FINISH, SWITCH)
    assert not rotation_begin.is_there(state, "encryption", "one", FINISH)
    assert [*rotation_begin.notes(state, "encryption", {"one": PREPARE})] == [
        "one: this begins a new rotation of encryption; its last one is complete"
    ]
    with pytest.raises(OperatorError, match="encryption cannot go from finish to switch"):
        rotation_begin.reject_impossible(state, "encryption", {"one": SWITCH})


def test_what_a_plan_has_besides_the_rotation_is_named_before_the_question(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = Changes()
    changes.clusters = {name: ClusterChanges(name) for name in ("one", "two")}
    changes.clusters["one"].own_change = Change.CHANGED
    drained, renewed, added = (Subject(f"two-worker-{number}") for number in range(3))
    drained.sentence, renewed.sentence = "drained, kubelet restarted", "kubelet restarted"
    added.own_change = Change.CREATED
    changes.clusters["two"].machines = {each.name: each for each in (drained, renewed, added)}
    monkeypatch.setattr(file_change, "run", lambda *_: changes)
    monkeypatch.setattr(file_change, "up", lambda _stack: None)
    rotate()
    expected = (
        "Not of the rotation, and applied with it: cluster one, two-worker-0 (drained), "
        "two-worker-2 (created)"
    )
    assert expected in capsys.readouterr().err
    assert rotation_begin.others(Changes(), ["two"]) == []


def test_a_locked_stack_is_said_before_anything_is_written(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Lock("dev", "ann", "elsewhere", 1, "2026-11-26T21:30:05Z")
    monkeypatch.setattr(Held, "locks", [held])
    with pytest.raises(StackLocked, match=r"locked since 2026-11-26 .* by ann@elsewhere"):
        rotate()
    with pytest.raises(StackLocked):
        rotate_now()
    assert file.read_text() == FILE


def test_without_a_terminal_nothing_is_written(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    with pytest.raises(OperatorError, match="or --write-only and commit"):
        rotate(yes=False)
    assert file.read_text() == FILE


def test_kubeconfigs_that_know_the_former_ca_alone_are_named_once_it_has_a_successor(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(file_change, "run", lambda *_: Changes())
    monkeypatch.setattr(file_change, "up", lambda _stack: None)
    rotate()
    assert "`fleet kubeconfig`, and with `--user` for bob." in capsys.readouterr().out
    rotate()
    assert "ca: switch" in file.read_text()
    expected = "two: ca is in the phase switch; next: fleet rotate ca --cluster two -s dev"
    assert capsys.readouterr().out.split("\n") == ["", expected, ""]
    rotate()
    assert capsys.readouterr().out.split("\n") == ["", "two: the rotation of ca is complete", ""]
    assert rotation.pinned({}, ["one"]).endswith("with `fleet kubeconfig`.")


class Engine:
    """Previews and runs, in order, with the rotations of each cluster in the file then."""

    def __init__(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file = file
        self.seen: list[tuple[str, Any, Any]] = []
        self.failing = ""
        monkeypatch.setattr(file_change, "run", lambda _engine, verb, _output: self.call(verb))
        monkeypatch.setattr(file_change, "up", lambda _stack: self.call("up"))

    def call(self, verb: str) -> Changes:
        config = yaml.safe_load(self.file.read_text())["config"]
        clusters = config["kubeadm-fleet:fleet"]["clusters"]
        one, two = (clusters[name].get("rotations", {}) for name in ("one", "two"))
        self.seen.append((verb, one, two))
        if two.get("ca") == self.failing and verb == "up":
            raise RunFailed("a machine is unavailable")
        return Changes()


def rotate_now(**changes: Any) -> None:
    known: dict[str, Any] = {"subject": "ca", "clusters": ["two"], "yes": True, **changes}
    rotation.rotate_now("dev", known["subject"], known["clusters"], None, yes=known["yes"])


def immediately(phase: str) -> dict[str, str]:
    return {"ca": phase, "immediate": "ca"}


def test_an_immediate_rotation_is_shown_once_and_takes_all_phases(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = Engine(file, monkeypatch)
    rotate_now(clusters=["one", "two"])
    finished = immediately(FINISH)
    assert engine.seen == [
        ("preview", finished, immediately(PREPARE)),
        ("up", finished, immediately(PREPARE)),
        ("up", finished, immediately(SWITCH)),
        ("up", finished, immediately(FINISH)),
    ]
    assert file.read_text().count("ca: finish") == 2
    assert "immediate" not in file.read_text(), "the next rotation waits again"
    said = capsys.readouterr()
    assert said.err.startswith("In one, two, kubeconfigs that were handed over stop working")
    assert "one, two: the rotation of ca is complete" in said.out


def test_an_immediate_rotation_asks_after_its_preview_and_leaves_nothing_after_a_no(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(file, monkeypatch)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))

    def decline(question: str, **_: Any) -> None:
        assert question == "Take ca of two through all phases now?"
        assert [verb for verb, _, _ in engine.seen] == ["preview"]
        raise click.Abort

    monkeypatch.setattr("click.confirm", decline)
    with pytest.raises(click.Abort):
        rotate_now(yes=False)
    assert file.read_text() == FILE


@pytest.mark.parametrize("phase", [PREPARE, SWITCH, FINISH])
def test_an_immediate_rotation_that_fails_says_what_is_left_and_is_continued(
    file: Path, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    engine = Engine(file, monkeypatch)
    engine.failing = phase
    with pytest.raises(RunFailed, match=r"so is `rotations\.immediate`.*Repeat this command"):
        rotate_now()
    assert engine.seen[-1] == ("up", {"ca": SWITCH}, immediately(phase))
    with pytest.raises(OperatorError, match="the immediate rotation of ca is not complete"):
        rotate_now(subject="etcd-ca")
    engine.failing, engine.seen = "", []
    rotate_now()
    assert engine.seen[:2] == [
        ("preview", {"ca": SWITCH}, immediately(phase)),
        ("up", {"ca": SWITCH}, immediately(phase)),
    ]
    assert "ca: finish" in file.read_text()
    assert "immediate" not in file.read_text()
