"""The registry client: indexes, tokens, mirrors, corrupt content."""

import gzip
import json
from pathlib import Path

import pytest

from scripts.build.cache_entry import BuildError
from scripts.build.download import CHUNK
from scripts.build.registry import Manifest, Registry
from tests.scripts.build.images import INDEX, MANIFEST, digest, put_image
from tests.scripts.build.server import Server


def pull(server: Server, arch: str, folder: Path) -> dict[str, bytes]:
    """Fetch an image's blobs and return them by their digest."""
    registry = Registry(server.base, "coredns/coredns")
    found = {}
    for blob in registry.manifest("v1", arch).blobs:
        registry.blob(blob, folder / "blob")
        found[blob] = (folder / "blob").read_bytes()
    return found


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_an_index_resolves_to_the_image_of_the_architecture(
    server: Server, tmp_path: Path, arch: str
) -> None:
    paths = put_image(server, "coredns/coredns", "v1", "hello")
    blobs = pull(server, arch, tmp_path)
    wanted = [paths[f"config-{arch}"], paths["shared"], paths[arch]]
    assert [f"/v2/coredns/coredns/blobs/{each}" for each in blobs] == wanted
    assert all(digest(content) == each for each, content in blobs.items())
    assert f"hello for {arch}".encode() in gzip.decompress(list(blobs.values())[-1])


def test_a_tag_may_name_an_image_directly(server: Server) -> None:
    paths = put_image(server, "pause", "3.10", "hello")
    manifest = server.resources[paths["manifest-amd64"]]
    server.resources[paths["index"]] = manifest
    found = Registry(server.base, "pause").manifest("3.10", "amd64")
    assert (found.content, found.media_type) == (manifest.content, MANIFEST)
    assert found.digest == digest(manifest.content)


def test_an_anonymous_token_is_requested_once(server: Server, tmp_path: Path) -> None:
    put_image(server, "coredns/coredns", "v1", "hello", needs_token=True)
    assert len(pull(server, "amd64", tmp_path)) == 3
    (asked,) = server.asked("/token")
    assert asked.parameters == {"service": ["test"], "scope": ["repository:a:pull"]}


def test_a_token_may_be_called_an_access_token(server: Server, tmp_path: Path) -> None:
    put_image(server, "coredns/coredns", "v1", "hello", needs_token=True)
    token = json.loads(server.resources["/token"].content)["token"]
    server.put("/token", json.dumps({"access_token": token}).encode())
    assert len(pull(server, "amd64", tmp_path)) == 3


def test_a_rejected_token_is_an_error(server: Server, tmp_path: Path) -> None:
    put_image(server, "coredns/coredns", "v1", "hello", needs_token=True)
    server.put("/token", b'{"token": "another"}')
    with pytest.raises(BuildError, match="/manifests/v1: 401"):
        pull(server, "amd64", tmp_path)


@pytest.mark.parametrize("challenge", ['Basic realm="x"', "", "Bearer service=x"])
def test_a_registry_without_anonymous_access_is_an_error(
    server: Server, tmp_path: Path, challenge: str
) -> None:
    put_image(server, "coredns/coredns", "v1", "hello", needs_token=True)
    server.challenge = challenge
    with pytest.raises(
        BuildError, match=r"requires a login .*: only anonymous access is supported"
    ):
        pull(server, "amd64", tmp_path)


def test_a_mirror_receives_the_registry_in_the_ns_parameter(server: Server, tmp_path: Path) -> None:
    put_image(server, "pause", "3.10", "hello")
    registry = Registry(f"{server.base}/", "pause", "registry.k8s.io")
    registry.blob(registry.manifest("3.10", "amd64").blobs[0], tmp_path / "blob")
    assert {tuple(each.parameters["ns"]) for each in server.requests} == {("registry.k8s.io",)}


def test_a_missing_architecture_is_an_error(server: Server) -> None:
    put_image(server, "pause", "3.10", "hello")
    with pytest.raises(BuildError, match=r"pause:3.10 has no image for linux/riscv64"):
        Registry(server.base, "pause").manifest("3.10", "riscv64")


def test_a_missing_image_is_an_error(server: Server) -> None:
    with pytest.raises(BuildError, match=r"/v2/pause/manifests/3.10: 404"):
        Registry(server.base, "pause").manifest("3.10", "amd64")


def test_a_corrupt_blob_is_rejected(server: Server, tmp_path: Path) -> None:
    paths = put_image(server, "coredns/coredns", "v1", "hello")
    server.resources[paths["amd64"]].content += b"x"
    with pytest.raises(BuildError, match="sha256 mismatch"):
        pull(server, "amd64", tmp_path)


def test_a_corrupt_manifest_is_rejected(server: Server, tmp_path: Path) -> None:
    paths = put_image(server, "coredns/coredns", "v1", "hello")
    server.resources[paths["manifest-amd64"]].content += b" "
    with pytest.raises(BuildError, match=r"the manifest sha256:.* arrived corrupted"):
        pull(server, "amd64", tmp_path)


def test_an_interrupted_blob_download_is_resumed(server: Server, tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000
    path = f"/v2/pause/blobs/{digest(content)}"
    resource = server.put(path, content)
    resource.needs_token = True
    resource.broken_off = [CHUNK + 5]
    server.put("/token", b'{"token": "token-of-the-test"}')
    Registry(server.base, "pause").blob(digest(content), tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == content
    assert [each.start for each in server.asked(path)] == [None, None, CHUNK]


@pytest.mark.parametrize("named", ["sha256:../../etc/passwd", "sha512:" + "0" * 128, None, 7])
def test_an_invalid_digest_is_never_used_as_a_path(server: Server, named: object) -> None:
    index = {"manifests": [{"digest": named, "platform": {"os": "linux", "architecture": "amd64"}}]}
    server.put("/v2/pause/manifests/3.10", json.dumps(index).encode(), INDEX)
    with pytest.raises(BuildError, match="instead of a sha256 digest"):
        Registry(server.base, "pause").manifest("3.10", "amd64")
    layers = {"config": {"digest": digest(b"")}, "layers": [{"digest": named}]}
    with pytest.raises(BuildError, match="instead of a sha256 digest"):
        assert Manifest(json.dumps(layers).encode(), MANIFEST).blobs


def test_a_page_instead_of_an_image_is_an_error(server: Server) -> None:
    server.put("/v2/pause/manifests/3.10", b"<html>please log in</html>", "text/html; charset=x")
    with pytest.raises(BuildError, match="is not an image but 'text/html'"):
        Registry(server.base, "pause").manifest("3.10", "amd64")


@pytest.mark.parametrize("content", [b"<html>", b"[]"])
def test_an_invalid_index_is_an_error(server: Server, content: bytes) -> None:
    server.put("/v2/pause/manifests/3.10", content, INDEX)
    with pytest.raises(
        BuildError, match=r"the index of .*/v2/pause:3.10 is not (valid JSON|a JSON object)"
    ):
        Registry(server.base, "pause").manifest("3.10", "amd64")


def test_a_manifest_without_layers_is_an_error() -> None:
    with pytest.raises(BuildError, match="lacks 'config'"):
        assert Manifest(b"{}", MANIFEST).blobs
