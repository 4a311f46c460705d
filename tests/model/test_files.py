"""Files whole or not at all, and locks that end with their holder."""

import threading
from pathlib import Path

import pytest

from model.files import is_ours_alone, locked, replacing, write_whole


def test_reader_finds_the_former_content_until_the_new_one_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "target"
    write_whole(target, "former")
    with replacing(target) as part:
        part.write_text("half")
        assert target.read_text() == "former"
    assert target.read_text() == "half"
    assert list(tmp_path.iterdir()) == [target]


def test_block_that_fails_replaces_nothing_and_its_remains_are_no_obstacle(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    with pytest.raises(RuntimeError), replacing(target) as part:
        part.mkdir()
        raise RuntimeError
    assert not target.exists()
    with replacing(target) as part:
        part.mkdir()
    assert target.is_dir()


def test_writing_makes_no_folder(tmp_path: Path) -> None:
    """A machine's is for root only: it must not come back with other rights."""
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "gone" / "file", "")


@pytest.mark.parametrize("name", ["folder", "file"])
def test_second_waits_until_the_first_is_done(tmp_path: Path, name: str) -> None:
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


def test_share_is_the_whole_lock_once_nobody_else_holds_one(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with locked(lock, shared=True) as ours:
        with locked(lock, shared=True):
            assert not is_ours_alone(ours)
        assert is_ours_alone(ours)
