"""Interrupted builds of a bundle are resumed; concurrent ones share the work."""

import hashlib
import signal
from collections import Counter
from pathlib import Path

import pytest

from model.artifacts.bundle import Bundle
from scripts.build import arch
from scripts.build.download import CHUNK
from scripts.build.parallel import start as in_background
from tests.scripts.build.command import finish, run, start
from tests.scripts.build.releases import VERSION, from_mirror, kubernetes_path, put_releases
from tests.scripts.build.server import Server
from tests.waiting import await_true

NAME = f"{VERSION}-{arch.host()}"
KUBELET = kubernetes_path("kubelet", arch.host())
LARGE = bytes(range(256)) * 1200
# All but the kubelet: what is finished while the kubelet has not arrived.
OTHERS = 21


@pytest.fixture
def upstream(server: Server) -> Server:
    """A mirror whose kubelet arrives in pieces, and stops after the second."""
    put_releases(server)
    server.put(KUBELET, LARGE).stalls_after = 2 * CHUNK
    server.put(f"{KUBELET}.sha256", hashlib.sha256(LARGE).hexdigest().encode())
    return server


def unfinished(cache: Path) -> set[str]:
    """Return the complete files of a bundle that is being built."""
    work = cache / "bundles" / f".{NAME}.mirror"
    files = [*work.glob("bin/*"), *work.glob("images/*")]
    return {each.name for each in files if not each.name.startswith(".")}


def stopped(cache: Path) -> bool:
    """Tell whether everything is there but the rest of the kubelet."""
    parts = list((cache / "bundles" / f".{NAME}.mirror" / "work").glob(".kubelet.*.part"))
    return len(unfinished(cache)) == OTHERS and [part.stat().st_size for part in parts] == [
        2 * CHUNK
    ]


def test_a_killed_run_is_resumed(upstream: Server, tmp_path: Path) -> None:
    killed = start(tmp_path, "scripts.build.bundle", *from_mirror(upstream))
    await_true(lambda: stopped(tmp_path), "everything but the kubelet")
    killed.kill()
    finish(killed, status=-9)
    assert not (tmp_path / "bundles" / NAME).exists()

    upstream.resources[KUBELET].stalls_after = None
    upstream.requests.clear()
    run(tmp_path, "scripts.build.bundle", *from_mirror(upstream))
    bundle = Bundle.load(tmp_path / "bundles" / NAME)
    assert bundle.file(bundle.named("kubelet")).read_bytes() == LARGE
    assert len(bundle.artifacts) == OTHERS + 1
    assert [(each.path, each.start) for each in upstream.requests] == [(KUBELET, 2 * CHUNK)]


def test_an_interrupt_ends_at_once(upstream: Server, tmp_path: Path) -> None:
    interrupted = start(tmp_path, "scripts.build.bundle", *from_mirror(upstream))
    await_true(lambda: stopped(tmp_path), "everything but the kubelet")
    interrupted.send_signal(signal.SIGINT)
    assert "Aborted!" in finish(interrupted, status=1)
    upstream.resources[KUBELET].stalls_after = None
    assert "is ready: 22 artifacts" in run(tmp_path, "scripts.build.bundle", *from_mirror(upstream))


def test_another_source_reuses_no_files(upstream: Server, tmp_path: Path) -> None:
    """What one source left unfinished is not put into the bundle of another."""
    left = tmp_path / "bundles" / f".{NAME}.upstream" / "bin"
    left.mkdir(parents=True)
    (left / "kubectl").write_text("of another source")
    upstream.resources[KUBELET].stalls_after = None
    run(tmp_path, "scripts.build.bundle", *from_mirror(upstream))
    bundle = Bundle.load(tmp_path / "bundles" / NAME)
    assert bundle.file(bundle.named("kubectl")).read_text() == f"kubectl{arch.host()}"
    assert not left.exists()


def test_concurrent_runs_do_no_work_twice(upstream: Server, tmp_path: Path) -> None:
    first = start(tmp_path, "scripts.build.bundle", *from_mirror(upstream))
    await_true(lambda: stopped(tmp_path), "everything but the kubelet")
    second = start(tmp_path, "scripts.build.bundle", *from_mirror(upstream))
    assert second.stdout is not None
    line = in_background(second.stdout.readline).result(timeout=60)
    assert line == f"waiting for another process that is building {NAME}\n"
    upstream.resources[KUBELET].stalls_after = None
    upstream.going.set()
    printed = finish(first)
    assert "is ready: 22 artifacts" in printed
    assert finish(second).splitlines() == printed.splitlines()[-1:]
    counted = Counter(each.path for each in upstream.requests if each.method == "GET")
    counted.subtract({KUBELET: 1})  # broken off by the server, and so asked for once more
    assert {path for path, count in counted.items() if count > 1} == set()


def test_two_architectures_concurrently(server: Server, tmp_path: Path) -> None:
    put_releases(server)
    both = [
        start(tmp_path, "scripts.build.bundle", *from_mirror(server), "--arch", each)
        for each in arch.SUPPORTED
    ]
    for process in both:
        assert "is ready: 22 artifacts" in finish(process)
