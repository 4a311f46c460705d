"""What many clusters do at once: handshakes and transfers are bounded, waiting is not."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from types import SimpleNamespace
from typing import Any

import pytest

from ops.hosts import enrollment, ssh_handshake
from ops.hosts.artifacts import HostArtifacts
from ops.hosts.enrollment import Enrollment
from ops.hosts.login import Login
from ops.hosts.ssh import Finished
from ops.pulumi.cli import PARALLEL

CALLS = 64
CLUSTERS = 100
HANDSHAKES = 32
REACHED_SECONDS = 60


class Busy:
    """A call that ends a moment after `awaited` of them were busy; `most` were so at once."""

    def __init__(self, awaited: int) -> None:
        self._lock, self._now, self.most = Lock(), 0, 0
        self._awaited, self._reached = awaited, Event()

    def __call__(self, *_: object, **__: object) -> Finished:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            if self._now >= self._awaited:
                self._reached.set()
        assert self._reached.wait(REACHED_SECONDS)
        time.sleep(0.05)  # Any further one would begin meanwhile.
        with self._lock:
            self._now -= 1
        return Finished(0, "", "")


def most_at_once(call: Callable[[int], Any], busy: Busy) -> int:
    with ThreadPoolExecutor(CALLS) as pool:
        list(pool.map(call, range(CALLS)))
    return busy.most


def test_a_hundred_clusters_are_changed_side_by_side() -> None:
    assert PARALLEL >= CLUSTERS


def test_handshakes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = Busy(HANDSHAKES)
    transport = SimpleNamespace(
        get_security_options=lambda: SimpleNamespace(ciphers=[], key_types=[]),
        set_keepalive=lambda _: None,
    )
    monkeypatch.setattr("paramiko.Transport", lambda _: transport)
    monkeypatch.setattr(ssh_handshake, "_exchange_keys", busy)
    monkeypatch.setattr(ssh_handshake, "_authenticate", lambda *_: None)
    login = Login("192.0.2.1", 22, "root")
    assert most_at_once(lambda _: ssh_handshake.log_in(login, None, 1), busy) == HANDSHAKES


@pytest.mark.parametrize(("size", "most"), [(10**9, 8), (1000, CALLS)])
def test_transfers_of_bundles_are_bounded(
    size: int, most: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    busy = Busy(most)
    monkeypatch.setattr(Enrollment, "_as_root", busy)
    monkeypatch.setattr(HostArtifacts, "unpacked_bytes", lambda *_: 0)
    given = HostArtifacts("", "", (("sum", tmp_path, size),))
    connection: Any = SimpleNamespace(login=None)

    def send(_number: int) -> None:
        Enrollment(connection, name="a").sync_artifacts("", given, set())

    assert most_at_once(send, busy) == most
    assert enrollment.SMALL_BYTES < 10**9
