"""Programs started by tests and program are installed by scripts/setup.sh."""

import subprocess

import pytest

from tests.scripts import programs
from tests.scripts.programs import (
    OPTIONAL,
    for_fast_tests,
    for_machines,
    for_tests,
    installed,
    started,
)


def test_programs_started_by_tests_are_installed() -> None:
    found = started("tests")
    assert found
    assert {name: lines for name, lines in found.items() if name not in for_tests()} == {}


def test_programs_started_by_fast_tests_are_installed_for_them_alone() -> None:
    found = started("tests/model", "tests/components")
    assert found
    assert {name: lines for name, lines in found.items() if name not in for_fast_tests()} == {}


def test_programs_started_by_the_program_are_installed_for_machines() -> None:
    found = started("components", "model", "ops", "scripts")
    assert found.keys() >= OPTIONAL.keys()
    known = for_machines() | OPTIONAL.keys() | installed("prove")
    assert {name: lines for name, lines in found.items() if name not in known} == {}


@pytest.mark.parametrize(
    "source",
    [
        "subprocess.run(['umount', '-n'])",
        "subprocess.Popen(['/usr/bin/umount'])",
        "shutil.which('umount')",
        "succeeds('umount', '-n')",
        "LOOK = ('umount', '-n')\ndef look():\n    subprocess.run([*LOOK, '/'])",
        "def look():\n    for each in (['umount'], ['umount', '-n']):\n        run(each)",
        "TEXT = '''\nimport subprocess\nsubprocess.run(['umount'])\n'''",
    ],
)
def test_a_program_is_found_however_it_is_started(source: str) -> None:
    assert {name for _, name in programs.in_source(source)} == {"umount"}


def test_only_this_hosts_own_programs_count() -> None:
    source = "subprocess.run(['.venv/bin/python']); machine.run('umount')"
    assert list(programs.in_source(source)) == []


@pytest.mark.parametrize("before", [[], ["setpriv", "--pdeathsig", "KILL"]])
def test_a_test_that_starts_an_uninstalled_program_fails(
    monkeypatch: pytest.MonkeyPatch, before: list[str]
) -> None:
    monkeypatch.setattr(programs, "GIVEN", frozenset({"git"}))
    monkeypatch.setattr(programs, "_is_unlisted", programs._is_unlisted.__wrapped__)
    with pytest.raises(AssertionError, match="a fresh host may lack make: name what"):
        subprocess.run([*before, "make", "--version"])
