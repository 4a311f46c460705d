"""The unit of `fleet watch`: what names and words may be in it."""

import pytest

from model.watch import unit
from model.watch.unit import Unit


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("plain", '"plain"'),
        ("two words", '"two words"'),
        ("", '""'),
        ('a"b', r'"a\"b"'),
        ("a\\b", r'"a\\b"'),
        ("$HOME", '"$$HOME"'),
        ("%h", '"%%h"'),
        ("é", '"é"'),
    ],
)
def test_a_word_is_taken_as_it_is(text: str, word: str) -> None:
    assert unit.word(text) == word


@pytest.mark.parametrize("text", ["a\nExecStartPre=/bin/x", "a\0", "a\rb", "\x1b[31m"])
def test_what_would_be_another_line_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be printed"):
        unit.word(text)
    with pytest.raises(ValueError, match="cannot be printed"):
        Unit(['"/bin/x"'], {"name": text}).text()


def test_folders_are_those_of_systemd_and_names_are_not() -> None:
    assert unit.inside(unit.CREDENTIALS, "50%", "@") == '"@%d/50%%"'
    assert unit.inside(unit.STATE, "x") == '"%S/kubeadm-fleet-watch/x"'


def test_credentials_are_loaded_and_the_command_is_one_line() -> None:
    lines = Unit(['"/bin/x"', '"y"'], {"a": "/etc/a b%"}).text().splitlines()
    assert 'ExecStart="/bin/x" "y"' in lines
    assert "LoadCredential=a:/etc/a b%%" in lines
    assert Unit(['"/bin/x"']).text().count("LoadCredential") == 0
