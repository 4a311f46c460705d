"""The artifacts that a host receives, and their index."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from model.render.node_scripts import source
from ops.errors import OperatorError
from ops.hosts import content
from ops.hosts.artifacts import HostArtifacts, tar


@pytest.fixture(autouse=True)
def _content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.paths.content_dir", lambda: tmp_path / "content")


@pytest.fixture
def given(tmp_path: Path) -> HostArtifacts:
    """Artifacts with one file."""
    (tmp_path / "tool").write_text("tool")
    files = (("a" * 64, tmp_path / "tool", 4),)
    return HostArtifacts(f"{'a' * 64}\tbinary\ttool\t/usr/local/bin/tool\n", "", files)


def test_the_table_is_a_row_of_the_index_and_counts_in_the_digest(given: HostArtifacts) -> None:
    table = content.put("rows")
    extended = given.with_table(table)
    assert extended.index.splitlines()[1:] == [f"{table}\tfiles\tmanaged\t-"]
    assert extended.digest != given.digest
    assert extended.disk == given.disk


def test_files_and_table_are_sent_together_and_none_twice(given: HostArtifacts) -> None:
    table = content.put("first → 1")
    extended = given.with_table(table)
    assert [name for name, *_ in extended.missing({"a" * 64})] == [table]
    assert [name for name, *_ in extended.missing({table})] == ["a" * 64]
    with tarfile.open(fileobj=io.BytesIO(b"".join(tar(extended.missing(set()))))) as archive:
        assert archive.getnames() == ["a" * 64, table]
        sent = archive.extractfile(table)
        assert sent is not None
        assert sent.read().decode() == "first → 1"


def test_a_table_that_this_host_has_lost_is_an_error(given: HostArtifacts) -> None:
    extended = given.with_table("0" * 64)
    with pytest.raises(OperatorError, match="is missing or damaged: run `fleet up` again"):
        extended.missing(set())
    assert extended.missing({"0" * 64}), "what the host has is not looked for"


def host(folder: Path, script: str, call: str) -> int:
    """Run a function of a script on a host whose disk is a folder."""
    text = source(script)
    for place in ("/var/lib", "/var/log"):
        text = text.replace(place, f"{folder}{place}")
    return subprocess.run(["bash", "-c", f"NODE_NAME=node\n{text}\n{call}"], timeout=10).returncode


def test_a_host_drops_a_table_that_is_not_named(given: HostArtifacts, tmp_path: Path) -> None:
    former, later = content.put("former"), content.put("later")
    artifacts = tmp_path / "var/lib/kubeadm-fleet/artifacts"
    artifacts.mkdir(parents=True)
    for digest in (former, later):
        (artifacts / digest).write_text(content.get(digest))
    index = given.with_table(later).index
    assert host(tmp_path, "enrollment", f"INDEX='{index}' DOWNLOADS= record_tables") == 0
    assert {file.name for file in artifacts.iterdir()} == {"index", "downloads", later}


@pytest.mark.parametrize(("kind", "status"), [("binary", 0), ("files", 0), ("image", 1)])
def test_a_host_knows_which_kinds_it_was_sent(
    given: HostArtifacts, tmp_path: Path, kind: str, status: int
) -> None:
    """The table alone is no artifact to install: the host downloads those."""
    artifacts = tmp_path / "var/lib/kubeadm-fleet/artifacts"
    assert host(tmp_path, "install", f"has_artifacts {kind}") != 0
    artifacts.mkdir(parents=True)
    (artifacts / "index").write_text(given.with_table("0" * 64).index)
    assert host(tmp_path, "install", f"has_artifacts {kind}") == status


def test_images_are_counted_with_what_they_unpack_to(given: HostArtifacts, tmp_path: Path) -> None:
    image = ("b" * 64, tmp_path / "image", 10)
    index = f"{given.index}{'b' * 64}\timage\tpause\tregistry.k8s.io/pause:3.10\n"
    both = HostArtifacts(index, "", (*given.files, image))
    assert both.unpacked_bytes(both.missing(set())) == 2 * 10
    assert both.unpacked_bytes(both.missing({"b" * 64})) == 0
