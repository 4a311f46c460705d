"""Copying to a real host."""

from pathlib import Path

import pytest

from tests.scripts.command_plugin.client import COPY, Plugin, urn
from tests.scripts.command_plugin.failures import failing
from tests.scripts.command_plugin.sshd import KeyPair, Sshd
from tests.scripts.command_plugin.values import Properties, file_archive, file_asset, text_asset


class Copier:
    """Copies to the host."""

    def __init__(self, plugin: Plugin, connection: Properties) -> None:
        self.plugin = plugin
        self._connection = connection

    def inputs(self, source: Properties, destination: Path | str) -> dict[str, object]:
        return {
            "connection": self._connection,
            "source": source,
            "remotePath": str(destination),
        }

    def copy(self, source: Properties, destination: Path | str) -> dict[str, object]:
        return self.plugin.create(COPY, self.inputs(source, destination))[1]

    def failure(self, source: Properties, destination: Path | str) -> str:
        with failing() as failed:
            self.copy(source, destination)
        return failed.text


@pytest.fixture
def copier(plugin: Plugin, host: Sshd, key: KeyPair) -> Copier:
    return Copier(plugin, host.connection(key))


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A directory on the host, which is this one."""
    directory = tmp_path / "there"
    directory.mkdir()
    return directory


def assert_same_tree(found: Path, expected: Path) -> None:
    names = sorted(path.relative_to(expected) for path in expected.rglob("*"))
    assert sorted(path.relative_to(found) for path in found.rglob("*")) == names
    for name in names:
        if (expected / name).is_file():
            assert (found / name).read_bytes() == (expected / name).read_bytes()


def test_copy_a_file(copier: Copier, sources: Path, there: Path) -> None:
    source = file_asset(str(sources / "one" / "second"), "d")
    state = copier.copy(source, there / "new" / "deep" / "file")
    assert (there / "new/deep/file").read_bytes() == (sources / "one/second").read_bytes()
    assert state["remotePath"] == str(there / "new" / "deep" / "file")
    copied = state["source"]
    assert isinstance(copied, dict)
    assert {name: copied[name] for name in source} == source


def test_copy_a_file_into_a_directory(copier: Copier, sources: Path, there: Path) -> None:
    copier.copy(file_asset(str(sources / "first"), "d"), there)
    assert (there / "first").read_text() == "1"


def test_overwrite_a_file(copier: Copier, sources: Path, there: Path) -> None:
    (there / "file").write_text("much longer than before")
    copier.copy(file_asset(str(sources / "first"), "d"), there / "file")
    assert (there / "file").read_text() == "1"


def test_copy_a_text(copier: Copier, there: Path) -> None:
    copier.copy(text_asset("grüße\n", "d"), there / "new" / "file")
    assert (there / "new" / "file").read_text() == "grüße\n"


def test_copy_a_directory(copier: Copier, sources: Path, there: Path) -> None:
    copier.copy(file_archive(str(sources), "d"), there / "new" / "deep")
    assert_same_tree(there / "new" / "deep" / "sources", sources)


def test_copy_a_directory_again(copier: Copier, sources: Path, there: Path) -> None:
    copier.copy(file_archive(str(sources), "d"), there)
    (sources / "first").write_text("2")
    copier.copy(file_archive(str(sources), "e"), there)
    assert_same_tree(there / "sources", sources)


def test_copy_the_contents_of_a_directory(copier: Copier, sources: Path, there: Path) -> None:
    copier.copy(file_archive(f"{sources}/", "d"), there / "new")
    assert_same_tree(there / "new", sources)


def test_impossible_destinations(copier: Copier, sources: Path, there: Path) -> None:
    (there / "file").write_text("")
    file, directory = file_asset(str(sources / "first"), "d"), file_archive(str(sources), "d")
    inside = file_archive(f"{sources}/", "d")
    assert copier.failure(text_asset("t", "d"), there) == (
        f"remote path {there} is a directory; "
        "when using a text asset, remotePath must be a file path"
    )
    assert copier.failure(inside, there / "file") == (
        f"remote path {there}/file exists but is not a directory"
    )
    assert copier.failure(directory, there / "file").startswith(
        f"failed to create remote directory {there}/file/sources: "
    )
    assert copier.failure(file, there / "file" / "sub" / "x") == (
        f"failed to create parent directories for {there}/file/sub/x: "
        f"mkdir {there}/file: not a directory"
    )
    assert copier.failure(file, "/proc/nothing") == (
        "failed to create remote file /proc/nothing: file does not exist"
    )


def test_a_missing_source(copier: Copier, sources: Path, there: Path) -> None:
    nothing = sources / "nothing*"
    assert copier.failure(file_asset(str(nothing), "d"), there) == (
        f"open {nothing}: no such file or directory"
    )


def test_an_update_copies_if_digest_or_destination_changes(copier: Copier, there: Path) -> None:
    def update(text: str, digest: str, name: str) -> None:
        old = copier.inputs(text_asset("old", "1"), there / "file")
        new = copier.inputs(text_asset(text, digest), there / name)
        copier.plugin.update(COPY, old, new)

    update("same digest", "1", "file")
    assert not (there / "file").exists()
    update("new", "2", "file")
    assert (there / "file").read_text() == "new"
    update("old", "1", "elsewhere")
    assert (there / "elsewhere").read_text() == "old"


def test_a_delete_keeps_the_copy(copier: Copier, there: Path) -> None:
    state = copier.copy(text_asset("t", "d"), there / "file")
    copier.plugin.delete(COPY, state)
    assert (there / "file").exists()


def test_an_unreachable_host(plugin: Plugin, host: Sshd, key: KeyPair) -> None:
    copier = Copier(plugin, host.connection(key, port=1))
    assert copier.failure(text_asset("t", "d"), "/x").startswith("after 2 failed attempts: dial")


def test_copies_are_logged_at_debug_level(copier: Copier, there: Path) -> None:
    inputs = copier.inputs(text_asset("t", "d"), there / "file")
    copier.plugin.create(COPY, inputs, name="said")
    (line,) = copier.plugin.log.lines(urn(COPY, "said"))
    assert line.severity == "debug"
    assert line.text == f"Creating file: 127.0.0.1:{there}/file from text asset"
