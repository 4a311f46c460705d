"""What kubelets say of their disks, when they say something else, and when they say nothing."""

import json
import threading
import time
from typing import Any

import pytest

from model.capacity.disks import FileSystemReading
from ops.kube import kubelets, node_disks
from ops.kube.client import Client
from tests.model.capacity.readings import node
from tests.ops.kube.api_server import Api

GB = 10**9


def file_system(capacity: Any, available: Any) -> dict[str, Any]:
    """One as a kubelet tells it; of images, `usedBytes` is what they take."""
    return {"capacityBytes": capacity, "availableBytes": available, "usedBytes": 1}


def summary(available: int = 60) -> dict[str, Any]:
    return {
        "node": {
            "nodeName": "a",
            "fs": file_system(100 * GB, available * GB),
            "runtime": {"imageFs": file_system(50 * GB, 5 * GB)},
        },
        "pods": [{"podRef": {"name": "x"}}],
    }


def question(name: str) -> str:
    return f"GET {kubelets.path(name, node_disks.QUESTION)}"


@pytest.fixture
def client(api: Api) -> Client:
    return Client(api.kubeconfig, retries=0)


def test_both_file_systems(api: Api, client: Client) -> None:
    api.answers[question("a")] = (200, summary())
    found = node_disks.read(client, [node("a")], 5, 2)
    assert found.nodes["a"].nodefs == FileSystemReading(100 * GB, 60 * GB)
    assert found.nodes["a"].imagefs == FileSystemReading(50 * GB, 5 * GB)
    assert not found.unread


@pytest.mark.parametrize("text", ["{}", '{"pods": [], "node": %s}', ' {\n "node" : %s} x'])
def test_the_order_and_what_follows_do_not_matter(text: str) -> None:
    if "%s" not in text:
        with pytest.raises(ValueError, match="not a summary"):
            node_disks.parsed(text.encode())
        return
    found = node_disks.parsed((text % json.dumps(summary()["node"])).encode())
    assert found.nodefs == FileSystemReading(100 * GB, 60 * GB)


@pytest.mark.parametrize(
    ("capacity", "available"),
    [
        *((None, 1), (1, None), (0, 0), (-5, -6), (1, 2), ("9", "1"), (True, True), (2.5, 1)),
        *((1e308, 1), (10**30, 1), ([], {})),
    ],
)
def test_sizes_that_make_no_sense_are_not_known(capacity: Any, available: Any) -> None:
    assert node_disks.file_system(file_system(capacity, available)) is None


@pytest.mark.parametrize(
    "answer",
    [
        *("", "null", "[]", "<html>", '{"node": 1}', '{"node": {"fs": 3}}', '{"node": {}}'),
        *('{"node": {"runtime": []}}', '{"node": {"fs": {}'),
        pytest.param('{"node": ' + "[" * 200_000, id="nested"),
    ],
)
def test_what_is_no_summary_is_refused(answer: str) -> None:
    with pytest.raises(ValueError, match="summary"):
        node_disks.parsed(answer.encode())


def test_who_may_not_ask_one_kubelet_asks_no_other(api: Api, client: Client) -> None:
    nodes = [node(f"n{index}") for index in range(40)]
    for each in nodes:
        api.answers[question(each.name)] = (403, {"message": "nodes/proxy: no"})
    found = node_disks.read(client, nodes, 5, 2)
    assert len(found.unread) == 40
    assert set(found.unread.values()) == {"403 Forbidden: nodes/proxy: no"}
    assert len(api.asked) <= 2


def test_a_kubelet_that_is_down_or_hangs_does_not_hide_the_others(api: Api, client: Client) -> None:
    released = threading.Event()

    def hang() -> tuple[int, dict[str, Any]]:
        released.wait(60)
        return 200, {}

    api.answers |= {
        question("hangs"): hang,
        question("down"): (503, {"message": "dial tcp 10.0.0.1:10250: connection refused"}),
        question("well"): (200, summary()),
    }
    begin = time.monotonic()
    nodes = [node("hangs", is_ready=False), node("down"), node("well")]
    try:
        found = node_disks.read(client, nodes, 1, 2)
    finally:
        released.set()
    assert time.monotonic() - begin < 3
    assert found.nodes.keys() == {"well"}
    assert "connection refused" in found.unread["down"]
    assert "no answer within 1 s" in found.unread["hangs"] or "timed out" in found.unread["hangs"]


def test_without_time_nobody_is_asked_for_long(api: Api, client: Client) -> None:
    api.answers[question("a")] = (200, summary())
    assert node_disks.read(client, [node("a")], -1, 2).unread == {"a": node_disks.NO_TIME}


def test_an_answer_without_end_is_cut(
    api: Api, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_disks, "MOST_BYTES", 1 << 20)
    api.answers[question("a")] = (200, summary() | {"pods": ["x" * (1 << 20)]})
    found = node_disks.read(client, [node("a")], 5, 2)
    assert found.unread == {"a": "200 OK: the response is larger than 1 MiB"}
