"""Running commands on this host."""

import hashlib
import io
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.scripts.command_plugin.client import LOCAL, TOP, Plugin
from tests.scripts.command_plugin.failures import failing
from tests.scripts.command_plugin.values import ARCHIVE, ASSET, SIGNATURE


def failure(plugin: Plugin, inputs: dict[str, Any], timeout: float = 0) -> str:
    with failing() as failed:
        plugin.create(LOCAL, inputs, timeout=timeout)
    return failed.text


def test_create_update_and_delete(plugin: Plugin, tmp_path: Path) -> None:
    inputs = {"create": f"echo out; echo err >&2; touch {tmp_path}/made"}
    number, state = plugin.create(LOCAL, inputs, name="made")
    assert number.startswith("made")
    assert state == {**inputs, "stdout": "out", "stderr": "err"}
    assert plugin.update(LOCAL, state, {**inputs, "update": "echo new"})["stdout"] == "new"
    plugin.delete(LOCAL, {**state, "delete": f"rm {tmp_path}/made"})
    assert not (tmp_path / "made").exists()


def test_failures(plugin: Plugin) -> None:
    assert failure(plugin, {"create": "echo out; exit 3"}) == (
        'exit status 3: running "echo out; exit 3":\nout\n'
    )
    assert failure(plugin, {"create": "kill $$"}) == ('signal: terminated: running "kill $$":\n')
    assert failure(plugin, {"create": "true", "dir": "/nowhere"}) == (
        'chdir /nowhere: no such file or directory: running "true":\n'
    )
    assert failure(plugin, {"create": "x", "interpreter": ["no-such-thing"]}) == (
        'exec: "no-such-thing": executable file not found in $PATH: running "x":\n'
    )
    assert failure(plugin, {"create": "x", "interpreter": ["/etc/passwd"]}) == (
        'fork/exec /etc/passwd: permission denied: running "x":\n'
    )


def test_interpreter(plugin: Plugin) -> None:
    program = "import sys; print('in', sys.argv[0])"
    _, state = plugin.create(LOCAL, {"create": program, "interpreter": [sys.executable, "-c"]})
    assert state["stdout"] == "in -c"


def test_directory(plugin: Plugin, tmp_path: Path) -> None:
    _, state = plugin.create(LOCAL, {"create": "pwd", "dir": str(tmp_path)})
    assert state["stdout"] == str(tmp_path)
    _, state = plugin.create(LOCAL, {"create": "pwd"})
    assert state["stdout"] == str(TOP)


def test_environment_is_added_to_that_of_the_plugin(plugin: Plugin) -> None:
    inputs = {"create": 'echo "$A|$PATH"', "environment": {"A": "x y"}}
    _, state = plugin.create(LOCAL, inputs)
    assert state["stdout"] == f"x y|{os.environ['PATH']}"


def test_stdin(plugin: Plugin) -> None:
    text = "0123456789abcdef" * 100_000
    _, state = plugin.create(LOCAL, {"create": "cat", "stdin": text, "logging": "none"})
    assert state["stdout"] == text
    _, state = plugin.create(LOCAL, {"create": "cat; echo done"})
    assert state["stdout"] == "done"
    _, state = plugin.create(LOCAL, {"create": "echo done", "stdin": text})
    assert state["stdout"] == "done"


def test_previous_output_in_the_environment(plugin: Plugin) -> None:
    show = {"create": 'echo "$PULUMI_COMMAND_STDOUT|$PULUMI_COMMAND_STDERR"'}
    old = {**show, "stdout": "before", "stderr": "error"}
    assert plugin.update(LOCAL, old, show)["stdout"] == "before|error"
    without = {**show, "addPreviousOutputInEnv": False}
    assert plugin.update(LOCAL, old, without)["stdout"] == "|"


def test_a_timeout_ends_the_command(plugin: Plugin) -> None:
    assert failure(plugin, {"create": "exec sleep 60"}, timeout=1) == (
        'signal: killed: running "exec sleep 60":\n'
    )


class TestPaths:
    """Files that a command made, named by patterns."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for name in ("assets/logos/logo.svg", "src/index.js", "src/secret.js", "a.txt"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(f"this is {name}")
        return tmp_path

    @pytest.mark.parametrize(
        ("patterns", "names"),
        [
            (
                ["assets/**", "src/**.js", "!**secret.*"],
                ["assets/logos/logo.svg", "src/index.js"],
            ),
            (["*"], ["a.txt"]),
            (["**"], ["a.txt", "assets/logos/logo.svg", "src/index.js", "src/secret.js"]),
            (["src/*"], ["src/index.js", "src/secret.js"]),
            (["?.txt"], ["a.txt"]),
            (["{a,src/index}.*"], ["a.txt", "src/index.js"]),
            (["[a-c].txt"], ["a.txt"]),
            (["[!a].txt"], []),
            (["!*", "a.txt"], ["a.txt"]),
            (["a.txt", "!a.txt"], []),
            ([], []),
        ],
    )
    def test_patterns(
        self, plugin: Plugin, folder: Path, patterns: list[str], names: list[str]
    ) -> None:
        inputs = {"create": "true", "dir": str(folder), "assetPaths": patterns}
        _, state = plugin.create(LOCAL, inputs)
        assert sorted(state["assets"]) == names
        for name, asset in state["assets"].items():
            assert asset[SIGNATURE] == ASSET
            assert asset["path"] == str(folder / name)
            digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            assert asset["hash"] == digest

    def test_an_unfinished_pattern(self, plugin: Plugin, folder: Path) -> None:
        inputs = {"create": "true", "dir": str(folder), "assetPaths": ["[a"]}
        assert failure(plugin, inputs) == "unexpected end of input"

    def test_an_archive(self, plugin: Plugin, folder: Path) -> None:
        inputs = {"create": "touch made.txt", "dir": str(folder), "archivePaths": ["*.txt"]}
        _, state = plugin.create(LOCAL, inputs)
        archive = state["archive"]
        assert archive[SIGNATURE] == ARCHIVE
        assert sorted(archive["assets"]) == ["a.txt", "made.txt"]
        assert archive["assets"]["a.txt"]["path"] == str(folder / "a.txt")
        assert "assets" not in state

    def test_an_archive_without_files_has_the_digest_of_an_empty_tar(
        self, plugin: Plugin, folder: Path
    ) -> None:
        inputs = {"create": "true", "dir": str(folder), "archivePaths": ["nothing"]}
        _, state = plugin.create(LOCAL, inputs)
        empty = io.BytesIO()
        tarfile.open(fileobj=empty, mode="w").close()
        blocks = empty.getvalue()[: 2 * tarfile.BLOCKSIZE]
        assert state["archive"]["hash"] == hashlib.sha256(blocks).hexdigest()

    def test_the_digest_of_an_archive(self, plugin: Plugin, tmp_path: Path) -> None:
        (tmp_path / "assets/logos").mkdir(parents=True)
        (tmp_path / "src").mkdir()
        (tmp_path / "assets/logos/logo.svg").write_text("x")
        (tmp_path / "src/index.js").write_text("y")
        inputs = {"create": "true", "dir": str(tmp_path), "archivePaths": ["**"]}
        _, state = plugin.create(LOCAL, inputs)
        # That of the tar which Go writes of these two files.
        assert state["archive"]["hash"] == (
            "eaabe2d7933c34216434a5b9343787a0137413a8107e022712ebbd6bf58841ee"
        )
