"""Downloads: verified, resumable and retried."""

import hashlib
import socket
import time
from pathlib import Path

import pytest

from scripts.build.cache_entry import BuildError
from scripts.build.download import CHUNK, TRIES, all_reachable, fetch, published_sum, reachable
from tests.scripts.build.server import Server

CONTENT = bytes(range(256)) * 4000
SUM = hashlib.sha256(CONTENT).hexdigest()


def part_of(target: Path) -> Path:
    return target.parent / f".{target.name}.{SUM[:16]}.part"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "below" / "kubelet"


def test_a_file_is_downloaded(server: Server, target: Path) -> None:
    server.put("/kubelet", CONTENT)
    fetch(f"{server.base}/kubelet", target, SUM)
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]


def test_a_corrupt_file_is_rejected_and_deleted(server: Server, target: Path) -> None:
    wrong = b"x" + CONTENT[1:]
    server.put("/kubelet", wrong)
    with pytest.raises(BuildError) as error:
        fetch(f"{server.base}/kubelet", target, SUM)
    assert f"{server.base}/kubelet: sha256 mismatch" in str(error.value)
    assert SUM in str(error.value)
    assert hashlib.sha256(wrong).hexdigest() in str(error.value)
    assert list(target.parent.iterdir()) == []


def test_a_file_that_is_too_long_is_rejected(server: Server, target: Path) -> None:
    server.put("/kubelet", CONTENT + b"more")
    with pytest.raises(BuildError, match="sha256 mismatch"):
        fetch(f"{server.base}/kubelet", target, SUM)
    assert not target.exists()


def test_an_interrupted_download_is_resumed(server: Server, target: Path) -> None:
    server.put("/kubelet", CONTENT).broken_off = [CHUNK + 1000, CHUNK + 500]
    fetch(f"{server.base}/kubelet", target, SUM)
    assert target.read_bytes() == CONTENT
    assert [each.start for each in server.asked("/kubelet")] == [None, CHUNK, 2 * CHUNK]


def test_a_truncated_file_is_rejected_and_kept_for_a_retry(server: Server, target: Path) -> None:
    resource = server.put("/kubelet", CONTENT)
    resource.broken_off = [CHUNK + 10] * TRIES
    with pytest.raises(BuildError, match=f"could not be downloaded in {TRIES} attempts"):
        fetch(f"{server.base}/kubelet", target, SUM)
    assert not target.exists()
    assert part_of(target).read_bytes() == CONTENT[: CHUNK * TRIES]
    fetch(f"{server.base}/kubelet", target, SUM)
    assert target.read_bytes() == CONTENT
    assert server.asked("/kubelet")[-1].start == CHUNK * TRIES


def test_a_partial_download_of_an_earlier_run_is_used(server: Server, target: Path) -> None:
    target.parent.mkdir()
    part_of(target).write_bytes(CONTENT[:77])
    server.put("/kubelet", CONTENT)
    fetch(f"{server.base}/kubelet", target, SUM)
    assert target.read_bytes() == CONTENT
    assert [each.start for each in server.asked("/kubelet")] == [77]


@pytest.mark.parametrize("left", [b"y" * 77, CONTENT + b"more"], ids=["other", "longer"])
def test_a_corrupt_partial_download_does_no_harm(server: Server, target: Path, left: bytes) -> None:
    target.parent.mkdir()
    part_of(target).write_bytes(left)
    server.put("/kubelet", CONTENT)
    fetch(f"{server.base}/kubelet", target, SUM)
    assert target.read_bytes() == CONTENT
    assert [each.start for each in server.asked("/kubelet")] == [len(left), None]


def test_a_complete_partial_download_is_not_repeated(server: Server, target: Path) -> None:
    target.parent.mkdir()
    part_of(target).write_bytes(CONTENT)
    server.put("/kubelet", CONTENT)
    fetch(f"{server.base}/kubelet", target, SUM)
    assert target.read_bytes() == CONTENT
    assert [each.start for each in server.asked("/kubelet")] == [len(CONTENT)]


def test_a_server_without_ranges_restarts_the_download(server: Server, target: Path) -> None:
    resource = server.put("/kubelet", CONTENT)
    resource.ranges = False
    resource.broken_off = [1000]
    fetch(f"{server.base}/kubelet", target, SUM)
    assert target.read_bytes() == CONTENT


def test_a_busy_server_is_retried(server: Server, target: Path) -> None:
    server.put("/kubelet", CONTENT).statuses = [503, 429]
    fetch(f"{server.base}/kubelet", target, SUM)
    assert target.read_bytes() == CONTENT


def test_a_missing_file_is_not_retried(server: Server, target: Path) -> None:
    with pytest.raises(
        BuildError, match=r"/kubelet: 404 .*: check the version, and that the mirror"
    ):
        fetch(f"{server.base}/kubelet", target, SUM)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [403, 416])
def test_a_rejection_names_what_to_check(server: Server, target: Path, status: int) -> None:
    server.put("/kubelet", CONTENT).statuses = [status]
    with pytest.raises(BuildError, match=rf"/kubelet: {status} .*: check the proxy"):
        fetch(f"{server.base}/kubelet", target, SUM)


def test_an_unreachable_server_is_reported(server: Server, target: Path) -> None:
    with pytest.raises(BuildError, match=f"could not be downloaded in {TRIES} attempts"):
        fetch("http://127.0.0.1:1/kubelet", target, SUM)


@pytest.mark.parametrize(
    "text",
    [
        SUM,
        f"{SUM}\n",
        f"{SUM.upper()}  kubelet\n",
        f"{'0' * 64}  kubeadm\n{SUM} *kubelet\n",
        f"{'0' * 64}  kubelet.sig\n{SUM}  ./release/kubelet\n",
    ],
    ids=["bare", "bare line", "upper case", "binary mode", "with a folder"],
)
def test_a_published_sum_is_found_in_every_form(server: Server, text: str) -> None:
    server.put("/SUMS", text.encode())
    assert published_sum(f"{server.base}/SUMS", "kubelet") == SUM


@pytest.mark.parametrize(
    "text",
    ["", f"{SUM}  kubeadm\n", "<html>please log in</html>", f"{SUM[:40]}  kubelet\n"],
    ids=["empty", "of another file", "a page", "too short"],
)
def test_a_file_without_a_published_sum_is_rejected(server: Server, text: str) -> None:
    server.put("/SUMS", text.encode())
    with pytest.raises(BuildError, match="has no sha256 checksum for kubelet"):
        published_sum(f"{server.base}/SUMS", "kubelet")


def test_a_missing_sums_file_is_an_error(server: Server) -> None:
    with pytest.raises(BuildError, match="/SUMS: 404"):
        published_sum(f"{server.base}/SUMS", "kubelet")


def test_a_registry_that_wants_a_token_is_reachable(server: Server) -> None:
    server.put("/v2/", b"").statuses = [401]
    assert reachable(f"{server.base}/v2/", 5)


def test_an_error_is_not_reachable(server: Server) -> None:
    server.put("/v2/", b"").statuses = [502]
    assert not reachable(f"{server.base}/v2/", 5)


def test_all_must_be_reachable(server: Server) -> None:
    server.put("/one", b"")
    server.put("/two", b"")
    assert all_reachable([f"{server.base}/one", f"{server.base}/two"], 5)
    assert not all_reachable([f"{server.base}/one", f"{server.base}/three"], 5)


def test_a_silent_host_times_out(server: Server) -> None:
    server.put("/one", b"")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        assert not all_reachable([f"{server.base}/one", url], 0.5)
        assert time.monotonic() - began < 2
