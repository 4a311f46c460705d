"""Registry mirrors as they are rendered, with a real container runtime and a registry over TLS."""

import hashlib
import json
import ssl
import subprocess
import tarfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from model.outbound import Mirror, Outbound
from model.render.machine_files import MIRRORS, machine_files, table
from model.render.mirrors import credentials
from scripts.build import ociimage
from tests.model.examples import CONTAINER, cluster
from tests.node.steps.container_runtime import Runtime, running
from tests.node.steps.disk import Disk
from tests.ops.hosts.web import QuietHandler

pytestmark = pytest.mark.root
REGISTRY, IMAGE = "registry.test", "registry.test/team/one:1"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
LOGIN = "robot:pass word"
# Where the mirror has the API, by the path in its URL.
PATHS = {"": "/v2", "/proxy/hub": "/proxy/hub/v2", "/v2/hub": "/v2/hub", "/a/v2": "/a/v2"}


@dataclass
class Registry:
    """An image's files by path, and every path that was asked for with the right login."""

    url: str
    ca: str
    files: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    login: str = LOGIN

    def serve(self, api: str, archive: Path) -> None:
        """Serve the image below this path."""
        self.asked.clear()
        self.files = {f"{api}/team/one/{path}": file for path, file in _image(archive).items()}


def _image(archive: Path) -> dict[str, tuple[bytes, str]]:
    files = {}
    with tarfile.open(archive) as tar:

        def blob(name: str, kind: str) -> dict[str, object]:
            content = tar.extractfile(name).read()  # type: ignore[union-attr]
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
            files[f"blobs/{digest}"] = (content, "application/octet-stream")
            return {"mediaType": kind, "digest": digest, "size": len(content)}

        ((entry),) = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        config = "application/vnd.docker.container.image.v1+json"
        layer = "application/vnd.docker.image.rootfs.diff.tar"
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": blob(entry["Config"], config),
            "layers": [blob(name, layer) for name in entry["Layers"]],
        }
    content = json.dumps(manifest).encode()
    for name in ("1", f"sha256:{hashlib.sha256(content).hexdigest()}"):
        files[f"manifests/{name}"] = (content, MANIFEST)
    return files


@contextmanager
def serving(folder: Path) -> Iterator[Registry]:
    """Serve a registry over TLS, with a certificate that no machine knows."""
    key, certificate = folder / "tls.key", folder / "tls.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", "/CN=mirror", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip

    served = Registry("", certificate.read_text())

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            wanted = f"Basic {b64encode(served.login.encode()).decode()}"
            path = self.path.partition("?")[0]
            if self.headers["Authorization"] != wanted:
                self.send_error(403)
                return
            served.asked.append(path)
            if path not in served.files:
                self.send_error(404)
                return
            content, kind = served.files[path]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Type", kind)
            digest = hashlib.sha256(content).hexdigest()
            self.send_header("Docker-Content-Digest", f"sha256:{digest}")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    served.url = f"https://127.0.0.1:{server.server_port}"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with serving(tmp_path) as registry:
        yield registry


@pytest.fixture
def runtime(tmp_path: Path, disk: Disk) -> Iterator[Runtime]:
    with running(disk, tmp_path / "containerd") as runtime:
        yield runtime


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The image that the registry has."""
    file, archive = tmp_path / "file", tmp_path / "archive.tar"
    file.write_text("content")
    ociimage.write(ociimage.ImageRecipe(IMAGE, {"/file": file}), archive, "amd64")
    return archive


def apply(runtime: Runtime, mirror: Mirror, login: str = LOGIN) -> None:
    """Write the files of the mirror as a rollout does."""
    disk, mirrors = runtime.disk, {REGISTRY: mirror}
    wanted = replace(cluster(CONTAINER), outbound=Outbound(mirrors=mirrors))
    files = [file for file in machine_files(wanted, wanted.workers[0]) if file.part == MIRRORS]
    here = str(disk.folder)
    moved = [
        replace(file, content=file.content.replace('ca = "', f'ca = "{here}'))
        for file in disk.moved(files)
    ]
    lines = table(moved).removesuffix("\n")
    known = credentials(mirrors, {"login": login}).removesuffix("\n")
    call = f"FILES='{lines}' PARTS=mirrors MIRROR_CREDENTIALS='{known}'; apply_files"
    runtime.run(f"use_changed() {{ forget_changed; }}; {call}", "apply")


def pull(runtime: Runtime) -> bool:
    """Pull the image as containerd does for the kubelet; return whether that succeeded."""
    hosts = f"{runtime.disk.folder}/etc/containerd/certs.d"
    told = runtime.ctr(f"images pull --hosts-dir {hosts} {IMAGE} >&2 && echo pulled || true")
    runtime.ctr(f"images remove --sync {IMAGE} || true")
    return told.strip() == "pulled"


@pytest.mark.parametrize(("path", "api"), PATHS.items())
def test_a_mirror_below_a_path_is_found(
    runtime: Runtime, registry: Registry, archive: Path, path: str, api: str
) -> None:
    registry.serve(api, archive)
    apply(runtime, Mirror(registry.url + path, registry.ca, "login"))
    assert pull(runtime)
    assert {asked.partition("/team/")[0] for asked in registry.asked} == {api}


def test_a_mirror_needs_its_ca_and_its_login(
    runtime: Runtime, registry: Registry, archive: Path
) -> None:
    registry.serve("/v2", archive)
    apply(runtime, Mirror(registry.url, None, "login"))
    assert not pull(runtime)
    apply(runtime, Mirror(registry.url, registry.ca))
    assert not pull(runtime)
    assert registry.asked == []
    apply(runtime, Mirror(registry.url, registry.ca, "login"))
    assert pull(runtime)


def test_credentials_are_for_root_only_and_not_in_the_record(
    runtime: Runtime, registry: Registry, archive: Path
) -> None:
    registry.serve("/v2", archive)
    apply(runtime, Mirror(registry.url, registry.ca, "login"), "robot:former")
    assert not pull(runtime)
    apply(runtime, Mirror(registry.url, registry.ca, "login"))
    assert pull(runtime)
    secret, state = b64encode(LOGIN.encode()).decode(), runtime.disk.state
    holders = [
        file
        for file in runtime.disk.folder.rglob("*")
        if file.is_file() and "containerd/io." not in str(file) and secret in _text(file)
    ]
    assert {file.name for file in holders} == {"hosts.toml", "mirror-credentials"}
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in holders)
    digest = runtime.run(f"digest {holders[0]}; digest {holders[1]}", "node_facts").split()
    apply(runtime, Mirror(registry.url, registry.ca))
    assert not (state / "mirror-credentials").exists()
    assert len(set(digest)) == 2


def _text(file: Path) -> str:
    return file.read_bytes().decode(errors="replace")
