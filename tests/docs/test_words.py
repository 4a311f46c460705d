"""Documents, messages, docstrings, comments and names use standard terms and plain English."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.docs import words
from tests.docs.documents import DOCUMENTS, TOP, name

# Its words are those of the types in model/config.
GENERATED = TOP / "docs/config.md"


def unused(texts: Iterable[str]) -> list[str]:
    return [problem for text in texts for problem in words.unused_words(text)]


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path != GENERATED], ids=name)
def test_documents_use_plain_words(path: Path) -> None:
    assert unused(words.of_document(path)) == []


@pytest.mark.parametrize("path", words.modules(), ids=name)
def test_modules_use_plain_words(path: Path) -> None:
    assert unused(words.of_module(path)) == []


@pytest.mark.parametrize("path", words.scripts(), ids=name)
def test_scripts_use_plain_words(path: Path) -> None:
    assert unused(words.of_script(path)) == []


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring that says an{}ew."""',
        'raise ValueError(f"{{host}} is to{}ld")',
        "# A comment that waits in\n# va{}in.",
        "def leave_them_o{}ut(): ...",
        "def join(for_e{}ver): ...",
        "left_o{}ut = []",
    ],
)
def test_a_planted_word_is_found(source: str, tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(source.format(""))
    assert len(unused(words.of_module(module))) == 1


def test_a_planted_word_is_found_in_documents_and_scripts(tmp_path: Path) -> None:
    document, script = tmp_path / "document.md", tmp_path / "script.sh"
    document.write_text("`an{0}ew` is code, but a host joins an{0}ew.\n".format(""))
    script.write_text('die "the host joins an{}ew" "wait"\n'.format(""))
    assert len(unused(words.of_document(document))) == len(unused(words.of_script(script))) == 1
