"""The store of texts: addressed by checksum, private, complete, without unused entries."""

import hashlib
import os
import stat
from pathlib import Path
from time import time

import pytest

from ops.errors import OperatorError
from ops.hosts import content

TEXT = "first\r\nsecond → 東京\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of the test's own, which does not exist yet."""
    folder = tmp_path / "cache" / "content"
    monkeypatch.setattr("model.paths.content_dir", lambda: folder)
    return folder


def test_a_text_is_read_back_by_its_checksum() -> None:
    digest = content.put(TEXT)
    assert digest == hashlib.sha256(TEXT.encode()).hexdigest()
    assert content.get(digest) == TEXT
    assert content.file(digest).read_bytes() == TEXT.encode()


def test_nobody_else_reads_it(folder: Path) -> None:
    path = content.file(content.put(TEXT))
    assert [stat.S_IMODE(each.stat().st_mode) for each in (folder, path)] == [0o700, 0o600]


def test_a_text_is_written_once() -> None:
    path = content.file(content.put(TEXT))
    before = path.stat().st_ino
    content.put(TEXT)
    assert path.stat().st_ino == before


def test_a_damaged_text_is_refused_and_written_again() -> None:
    digest = content.put(TEXT)
    content.file(digest).write_text("")
    with pytest.raises(OperatorError, match=f"{digest} is missing or damaged: run `fleet up`"):
        content.get(digest)
    content.put(TEXT)
    assert content.get(digest) == TEXT


def test_a_missing_text_is_refused() -> None:
    with pytest.raises(OperatorError, match="is missing or damaged"):
        content.get("0" * 64)


def test_what_no_run_has_used_for_a_month_is_removed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, used = content.put("old"), content.put("used")
    for digest in (old, used):
        os.utime(folder / digest, (time() - content.KEPT_SECONDS - 60,) * 2)
    content.put("used")
    content._folder.cache_clear()  # As in the next run.
    new = content.put("new")
    assert {path.name for path in folder.iterdir()} == {used, new}
