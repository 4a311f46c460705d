"""A cluster most of which hangs or refuses: what is left is gathered in time."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops.hosts.inventory import InventoryMachine
from ops.hosts.login import Login
from ops.kube.access import Access
from ops.kube.client import Client
from ops.support.gathering import Gathering, Source

SECONDS = 6.0


@contextmanager
def hanging() -> Iterator[int]:
    """A port that accepts connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def client(port: int) -> Client:
    document = {
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [],
        "contexts": [{"name": "c", "context": {"cluster": "c"}}],
    }
    return Client(Access.of_context(document, "c", Path()))


def machine(name: str, role: str, port: int) -> InventoryMachine:
    login = Login("127.0.0.1", port, "root", "ssh-ed25519 AAAA", "no key")
    return InventoryMachine(name, "one", role, "", "127.0.0.1", "existing", login)


def test_what_hangs_and_refuses_is_listed_when_the_time_is_over() -> None:
    reports: dict[str, str] = {}
    began = time.monotonic()
    gathering = Gathering(SECONDS, reports.__setitem__)
    with hanging() as ssh, hanging() as api:
        gathering.connect(lambda: client(api), [], [])
        assert gathering.left > SECONDS / 3, "the machines need time, too"
        machines = [machine("hangs", "control-plane", ssh), machine("gone", "worker", 1)]
        sources = [
            Source("works", ("works/a",), lambda: gathering.add_text("works", "works/a", "x"))
        ]
        for each in machines:
            sources += gathering.machine_sources(each, {})
        gathering.run([*sources, *gathering.cluster_sources()])
    assert time.monotonic() - began < SECONDS + 1
    missing = {each.source: each.reason for each in gathering.collection.missing}
    assert set(missing) == {"api", "pod-logs", "machines/hangs", "machines/gone",
                            "machines/gone/certificates"} | (
        {"machines/hangs/certificates"} & set(missing)
    )  # fmt: skip
    assert "no API server answered" in missing["api"]
    assert "cannot be reached" in missing["machines/gone"]
    assert [entry.path for entry in gathering.collection.entries] == ["works/a"]
    assert reports["works"] == "" and reports["machines/gone"]
    assert not gathering.has_values


def test_a_source_that_is_broken_does_not_hide_the_others() -> None:
    def broken() -> None:
        raise ZeroDivisionError("oh")

    gathering = Gathering(SECONDS, lambda *_: None)
    gathering.run(
        [
            Source("bad", ("bad/a",), broken),
            Source("good", ("good/a",), lambda: gathering.add_document("good", "good/a", {"a": 1})),
        ]
    )
    (missing,) = gathering.collection.missing
    assert missing.name == "bad" and missing.reason == "ZeroDivisionError: oh"
    assert [entry.path for entry in gathering.collection.entries] == ["good/a"]


@pytest.mark.parametrize("text", ["password=abcdef123456", "Bearer abc123def456"])
def test_a_reason_has_no_secret(text: str) -> None:
    def refused() -> None:
        raise ValueError(text)

    gathering = Gathering(SECONDS, lambda *_: None)
    gathering.run([Source("bad", (), refused)])
    (missing,) = gathering.collection.missing
    assert text.split()[-1].split("=")[-1] not in missing.reason
