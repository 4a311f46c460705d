"""Atomic writes, and locks that end with their holder."""

import threading
from pathlib import Path

import pytest

from model.files import locked, replacing, try_lock, write_whole


def test_a_reader_sees_the_old_content_until_the_new_one_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "target"
    write_whole(target, "former")
    with replacing(target) as part:
        part.write_text("half")
        assert target.read_text() == "former"
    assert target.read_text() == "half"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failing_block_replaces_nothing_and_its_leftovers_do_no_harm(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    with pytest.raises(RuntimeError), replacing(target) as part:
        part.mkdir()
        raise RuntimeError
    assert not target.exists()
    with replacing(target) as part:
        part.mkdir()
    assert target.is_dir()


def test_writing_creates_no_folder(tmp_path: Path) -> None:
    """A machine's is for root only: it must not come back with other rights."""
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "gone" / "file", "")


@pytest.mark.parametrize("name", ["folder", "file"])
def test_the_second_holder_waits_for_the_first(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    done: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        with locked(tmp_path / name, waiting=waiting.set):
            done.append("second")

    thread = threading.Thread(target=second)
    with locked(tmp_path / name):
        thread.start()
        assert waiting.wait(10)
        done.append("first")
    thread.join(10)
    assert done == ["first", "second"]


def test_a_share_becomes_exclusive_when_it_is_the_last(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with locked(lock, shared=True) as ours:
        with locked(lock, shared=True):
            assert not try_lock(ours)
        assert try_lock(ours)
