"""Documents use standard terms and plain English."""

import re
from pathlib import Path

import pytest

from tests.docs.documents import DOCUMENTS, TOP, name, without_blocks

RETIRED = re.compile(
    r"\b(mend(s|ed|ing)?|anew|for ever|gone on with|one by one|found(er|ing|ation)|taken over"
    r"|way out|put right|is told)\b",
    re.IGNORECASE,
)
CODE = re.compile(r"`[^`]*`")
# Its words are those of the types in model/config.
GENERATED = TOP / "docs/config.md"


@pytest.mark.parametrize("path", [each for each in DOCUMENTS if each != GENERATED], ids=name)
def test_no_retired_word_is_used(path: Path) -> None:
    assert [match[0] for match in RETIRED.finditer(CODE.sub("", without_blocks(path)))] == []
