"""Cache entries: atomic, exclusive, and only with enough disk space."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from model.files import replacing
from scripts.build import buildcache, cache_entry
from scripts.build.cache_entry import BuildError, locked, require_space
from scripts.build.parallel import in_parallel
from scripts.build.parallel import start as in_background
from scripts.build.progress import task
from tests.scripts.build.command import CHECKOUT, environment
from tests.waiting import await_true

HOLD = """
import sys
from functools import partial
from pathlib import Path
from scripts.build import buildcache
from scripts.build.cache_entry import locked
with {what}:
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(cache: Path, what: str) -> subprocess.Popen[str]:
    """Start a process that holds a lock until its input ends."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(what=what)],
        cwd=CHECKOUT,
        env=environment(cache, KUBEADM_FLEET_KEEP_BUILD_CACHE=""),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    said = in_background(holder.stdout.readline).result(timeout=60)
    assert said == "held\n", said
    return holder


def release(holder: subprocess.Popen[str]) -> None:
    holder.communicate(timeout=60)
    assert holder.returncode == 0


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBEADM_FLEET_CACHE", str(tmp_path))
    monkeypatch.delenv("KUBEADM_FLEET_KEEP_BUILD_CACHE", raising=False)
    return tmp_path


def test_a_waiting_process_reports_it(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = hold(cache, f"locked(Path({str(cache / 'thing')!r}))")
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        release(holder)

    monkeypatch.setattr(cache_entry, "say", say)
    with locked(cache / "thing"):
        assert said == ["waiting for another process that is building thing"]


def test_a_killed_holder_releases_the_lock(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    holder = hold(cache, f"locked(Path({str(cache / 'thing')!r}))")
    holder.kill()
    holder.communicate(timeout=60)
    with locked(cache / "thing"):
        assert capsys.readouterr().out == ""


def test_a_failure_leaves_the_old_entry(tmp_path: Path) -> None:
    target = tmp_path / "thing"
    target.write_text("old")
    with pytest.raises(RuntimeError), replacing(target) as part:
        part.write_text("half of the n")
        raise RuntimeError
    assert target.read_text() == "old"


def test_leftovers_of_a_failure_are_not_reused(tmp_path: Path) -> None:
    target = tmp_path / "thing"
    with pytest.raises(RuntimeError), replacing(target) as part:
        part.mkdir()
        (part / "left").write_text("")
        raise RuntimeError
    with replacing(target) as part:
        part.mkdir()
    assert list(target.iterdir()) == []


def test_insufficient_disk_space_is_reported_before_the_start(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"a bundle needs 1000000000 MB, but .* has \d+ MB free"):
        require_space(tmp_path / "new", 10**15, "a bundle")


def test_the_last_builder_removes_the_build_cache(cache: Path) -> None:
    other = hold(cache, "buildcache.building()")
    with buildcache.building():
        (buildcache.folder() / "go").mkdir()
    assert (buildcache.folder() / "go").is_dir(), "removed while another process was building"
    release(other)
    assert not buildcache.folder().exists()


def test_a_failed_build_leaves_the_cache_for_a_retry(cache: Path) -> None:
    with pytest.raises(RuntimeError), buildcache.building():
        (buildcache.folder() / "go").mkdir()
        raise RuntimeError
    assert (buildcache.folder() / "go").is_dir()


def test_the_build_cache_can_be_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEADM_FLEET_KEEP_BUILD_CACHE", "1")
    with buildcache.building():
        (buildcache.folder() / "go").mkdir()
    assert (buildcache.folder() / "go").is_dir()


def test_the_first_failure_of_parallel_calls_is_the_error(tmp_path: Path) -> None:
    def fail() -> None:
        raise BuildError("no such file")

    begun = tmp_path / "begun"
    with pytest.raises(BuildError, match="no such file"):
        in_parallel([fail, begun.touch], 1)
    assert not begun.exists()


def test_parallel_calls_give_their_results_in_order() -> None:
    calls = [partial(pow, number, 2) for number in range(9)]
    assert in_parallel(calls, 3) == [0, 1, 4, 9, 16, 25, 36, 49, 64]


def test_a_long_task_prints_reminders(capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []

    def goes_on() -> bool:
        said.extend(capsys.readouterr().out.splitlines())
        return any(line.startswith("building x: still running (") for line in said)

    with task("building x", remind_seconds=0.05):
        await_true(goes_on, "the reminder")
    assert said[0] == "building x ..."
    assert capsys.readouterr().out.splitlines()[-1].startswith("building x: ")
