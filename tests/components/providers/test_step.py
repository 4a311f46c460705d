"""A step on a host: what it shows, what its failure says, and what is left to the next run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.providers import engine_log, step
from components.providers.step import StepProvider
from ops.errors import OperatorError
from ops.hosts.ssh_errors import Unreachable
from tests.sshd import KeyPair, Sshd, make_key

STEPS = StepProvider()
SCRIPT = """
step_greet() {
  echo "good $GREETING"
  echo "careful" >&2
  [[ $GREETING != nothing ]] || { echo "error: no greeting" >&2; return 3; }
}
step_sleep() { sleep 30; }
"""


@pytest.fixture(scope="module")
def key() -> KeyPair:
    """The key that the host accepts."""
    return make_key()


@pytest.fixture
def host(tmp_path: Path, key: KeyPair, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    """A host, and a script for it."""
    monkeypatch.setattr("model.render.node_scripts.source", lambda _: SCRIPT)
    monkeypatch.setattr(step, "PATIENCE_SECONDS", 0)
    server = Sshd(tmp_path, key.public)
    yield server
    server.stop()


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """What was shown, and whether only until the next message."""
    said: list[tuple[str, bool]] = []

    class Log:
        def __init__(self, urn: str) -> None:
            assert urn == "urn of the step"

        def __call__(self, text: str, *, ephemeral: bool, warning: bool = False) -> None:
            said.append((text, ephemeral))

    for module in (step, engine_log):
        monkeypatch.setattr(module, "EngineLog", Log)
    return said


def inputs(host: Sshd, key: KeyPair, /, **other: Any) -> dict[str, Any]:
    """The step as the program registers it."""
    return {
        "step": "one-worker-0-greet",
        "trigger": "first machine",
        "applied": "digest",
        "machine": "one-worker-0",
        "login": {
            "host": host.host,
            "port": float(host.port),
            "user": host.user,
            "sudo": False,
            "host_key": host.host_key.public,
            "private_key": key.private,
        },
        "script": "greet",
        "settings": {"GREETING": "day"},
        "seconds": 20.0,
        "urn": "urn of the step",
        "run": "this run",
        **other,
    }


def test_each_line_is_shown_and_the_state_has_neither_login_nor_settings(
    host: Sshd, key: KeyPair, said: list[tuple[str, bool]]
) -> None:
    checked = STEPS.check({}, inputs(host, key)).inputs
    assert checked == {
        "step": "one-worker-0-greet",
        "trigger": "first machine",
        "applied": "digest",
    }
    assert STEPS.create(checked).outs == {**checked, "ran_in": "this run"}
    assert said == [("good day", True), ("careful", True)]


def test_a_failure_says_what_the_script_said(
    host: Sshd, key: KeyPair, said: list[tuple[str, bool]]
) -> None:
    with pytest.raises(OperatorError) as failure:
        STEPS.create(inputs(host, key, settings={"GREETING": "nothing"}))
    assert str(failure.value) == (
        "one-worker-0: step greet failed (status 3):\n"
        "  good nothing\n  careful\n  error: no greeting"
    )
    assert len(said) == 3


def test_a_step_ends_at_its_deadline(host: Sshd, key: KeyPair, said: Any) -> None:
    with pytest.raises(OperatorError, match="one-worker-0: step sleep timed out after 1 s"):
        STEPS.create(inputs(host, key, script="sleep", seconds=1.0))


def test_what_is_a_change_and_what_a_replacement(host: Sshd, key: KeyPair) -> None:
    olds = {**STEPS.check({}, inputs(host, key)).inputs, "ran_in": "an earlier run"}

    def diff(**other: Any) -> tuple[bool, list[str]]:
        news = STEPS.check(olds, inputs(host, key, **other)).inputs
        found = STEPS.diff("", olds, news)
        return bool(found.changes), found.replaces or []

    assert diff() == (False, [])
    assert diff(settings={"GREETING": "evening"}, login={}, run="another") == (False, [])
    assert diff(applied="another digest") == (True, [])
    assert diff(trigger="another machine") == (True, ["trigger"])


def test_a_machine_that_does_not_answer_gets_an_update_later_but_a_new_step_is_an_error(
    host: Sshd, key: KeyPair, said: list[tuple[str, bool]]
) -> None:
    olds = STEPS.create(inputs(host, key)).outs
    assert olds
    said.clear()
    news = inputs(host, key, applied="another digest")
    news["login"]["port"] = 1.0
    assert STEPS.update("", olds, news).outs == olds
    ((warning, ephemeral),) = said
    assert not ephemeral
    assert "Its step greet was not run: run `fleet up` once it answers" in warning
    with pytest.raises(Unreachable):
        STEPS.create(news)
