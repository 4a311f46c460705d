"""Image files: reproducible, and readable for a container runtime."""

import hashlib
import json
import os
import tarfile
from pathlib import Path

import pytest

from scripts.build import ociimage, ocilayout
from scripts.build.ociimage import ImageRecipe
from scripts.build.registry import Registry
from tests.scripts.build.images import put_image
from tests.scripts.build.server import Server

REFERENCE = "registry.k8s.io/pause:3.10.2"


def members(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as opened:
        files = [each for each in opened.getmembers() if each.isfile()]
        return {each.name: read(opened, each) for each in files}


def read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    source = archive.extractfile(member)
    assert source is not None
    return source.read()


def recipe(folder: Path, *, base: bool = False) -> ImageRecipe:
    folder.mkdir(exist_ok=True)
    program, other = folder / "pause", folder / "other"
    program.write_text("program")
    other.write_text("other")
    lowest = None
    if base:
        lowest = folder / "base.tar"
        with tarfile.open(lowest, "w") as archive:
            archive.add(other, "usr/sbin/other")
    return ImageRecipe(
        REFERENCE,
        {"/opt/bin/pause": program, "/a": other},
        ["/opt/bin/pause"],
        user="65535:65535",
        base=lowest,
        links={"/usr/sbin/iptables": "xtables-nft-multi"},
    )


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for name, when in (("one", 1), ("two", 2_000_000_000)):
        contents = recipe(tmp_path / name)
        for file in contents.files.values():
            os.utime(file, (when, when))
            file.chmod(0o600 if name == "one" else 0o777)
        ociimage.write(contents, tmp_path / f"{name}.tar", "amd64")
        made.append((tmp_path / f"{name}.tar").read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize("base", [False, True])
def test_a_built_image_is_a_docker_archive(tmp_path: Path, base: bool) -> None:
    """https://github.com/moby/moby/blob/v24.0.0/image/spec/v1.2.md, "Combined Image JSON"."""
    ociimage.write(recipe(tmp_path, base=base), tmp_path / "image.tar", "arm64")
    files = members(tmp_path / "image.tar")
    (entry,) = json.loads(files["manifest.json"])
    assert entry["RepoTags"] == [REFERENCE]
    config = json.loads(files[entry["Config"]])
    assert entry["Config"] == f"{hashlib.sha256(files[entry['Config']]).hexdigest()}.json"
    assert (config["architecture"], config["os"]) == ("arm64", "linux")
    assert config["config"]["Entrypoint"] == ["/opt/bin/pause"]
    assert config["config"]["User"] == "65535:65535"
    assert len(entry["Layers"]) == (2 if base else 1)
    assert config["rootfs"]["diff_ids"] == [
        f"sha256:{hashlib.sha256(files[layer]).hexdigest()}" for layer in entry["Layers"]
    ]


def test_the_layer_holds_programs_links_and_their_folders(tmp_path: Path) -> None:
    ociimage.write(recipe(tmp_path), tmp_path / "image.tar", "amd64")
    files = members(tmp_path / "image.tar")
    (entry,) = json.loads(files["manifest.json"])
    layer = tmp_path / "layer.tar"
    layer.write_bytes(files[entry["Layers"][0]])
    with tarfile.open(layer) as opened:
        found = {each.name: each for each in opened.getmembers()}
        assert read(opened, found["opt/bin/pause"]) == b"program"
    assert list(found) == ["opt", "opt/bin", "usr", "usr/sbin", "a", "opt/bin/pause",
                           "usr/sbin/iptables"]  # fmt: skip
    assert found["opt/bin"].isdir()
    assert found["usr/sbin/iptables"].linkname == "xtables-nft-multi"
    assert {each.mode for each in found.values() if each.isfile()} == {0o755}
    assert {(each.uid, each.gid, each.mtime) for each in found.values()} == {(0, 0, 0)}


def test_a_downloaded_image_is_an_oci_layout_with_its_name(server: Server, tmp_path: Path) -> None:
    put_image(server, "pause", "3.10.2", "hello")
    registry = Registry(server.base, "pause")
    manifest = registry.manifest("3.10.2", "amd64")
    made = []
    for name in ("one", "two"):
        for blob in manifest.blobs:
            registry.blob(blob, tmp_path / name / blob.removeprefix("sha256:"))
        ocilayout.write(REFERENCE, manifest, tmp_path / name, tmp_path / f"{name}.tar")
        made.append((tmp_path / f"{name}.tar").read_bytes())
    assert made[0] == made[1]

    files = members(tmp_path / "one.tar")
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads(files["index.json"])["manifests"]
    assert entry["annotations"] == {
        "io.containerd.image.name": REFERENCE,
        "org.opencontainers.image.ref.name": "3.10.2",
    }
    assert (entry["digest"], entry["size"]) == (manifest.digest, len(manifest.content))
    for name, content in files.items():
        if name.startswith("blobs/"):
            assert name == f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"
    named = {manifest.digest, *manifest.blobs}
    assert {f"blobs/sha256/{each.removeprefix('sha256:')}" for each in named} <= files.keys()
