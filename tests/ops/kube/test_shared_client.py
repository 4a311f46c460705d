"""A list that several readers want is read once, whoever asks first, and whatever the answer is."""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ops.kube.access import Access
from ops.kube.errors import ApiError
from ops.kube.shared_client import SharedClient, slim
from tests.ops.kube.api_server import Api

NODES = "/api/v1/nodes"
PODS = "/api/v1/namespaces/kube-system/pods"
SELECTOR = "app=probe"


def node(index: int) -> dict[str, Any]:
    return {"metadata": {"name": f"n{index}"}, "status": {"images": [1], "phase": "x"}}


@pytest.fixture
def client(api: Api) -> SharedClient:
    api.lists[NODES] = [node(index) for index in range(250)]
    api.lists[PODS] = [node(1)]
    readers = {(NODES, ""): 3, (PODS, SELECTOR): 2}
    return SharedClient(Access.of(api.kubeconfig), readers, retries=0)


def name(entry: dict[str, Any]) -> str:
    return str(entry["metadata"]["name"])


def asked(api: Api, path: str) -> int:
    return api.asked.count(f"GET {path}")


def test_readers_get_what_each_makes_of_the_items_of_one_reading(
    api: Api, client: SharedClient
) -> None:
    together = threading.Barrier(3)

    def read(_index: int) -> list[str]:
        together.wait()
        return client.limited(seconds=5).reduced(NODES, name)

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(read, range(3)))
    assert found == [[f"n{index}" for index in range(250)]] * 3
    assert asked(api, NODES) == 3, "three pages, once"


def test_what_nobody_expected_is_read_again(api: Api, client: SharedClient) -> None:
    for _ in range(4):
        client.reduced(NODES, name)
    assert asked(api, NODES) == 6


def test_a_list_with_another_selector_or_query_is_another_one(
    api: Api, client: SharedClient
) -> None:
    assert client.reduced(PODS, name, labelSelector=SELECTOR) == ["n1"]
    assert client.reduced(PODS, name, labelSelector=SELECTOR) == ["n1"]
    assert asked(api, PODS) == 1
    client.reduced(PODS, name, labelSelector="app=other")
    client.reduced(PODS, name)
    client.reduced(PODS, name, labelSelector=SELECTOR, fieldSelector="a=b")
    assert asked(api, PODS) == 4


def test_an_error_is_the_answer_to_all_readers(api: Api, client: SharedClient) -> None:
    del api.lists[NODES]
    for _ in range(3):
        with pytest.raises(ApiError, match="no /api/v1/nodes"):
            client.reduced(NODES, name)
    assert asked(api, NODES) == 1


def test_an_error_of_one_reader_is_its_own(api: Api, client: SharedClient) -> None:
    with pytest.raises(KeyError):
        client.reduced(NODES, lambda entry: entry["none"])
    assert len(client.reduced(NODES, name)) == 250
    assert asked(api, NODES) == 3


def test_items_are_kept_no_longer_than_until_all_have_them(client: SharedClient) -> None:
    class Kept(dict[str, Any]):
        """An item that can be watched."""

    references: list[weakref.ref[Kept]] = []
    shared = client._lists[NODES, ""]

    def read() -> list[dict[str, Any]]:
        item = Kept(node(1))
        references.append(weakref.ref(item))
        return [item]

    for expected in (True, True, False):
        shared.take(read)
        gc.collect()
        assert (references[0]() is not None) == expected


def test_what_nobody_reads_is_dropped() -> None:
    manager = {"manager": "kubeadm-fleet", "time": "t", "fieldsV1": {"f:x": {}}}
    found = slim({"metadata": {"name": "a", "managedFields": [manager]}, "status": {"images": []}})
    assert found == {
        "metadata": {"name": "a", "managedFields": [{"manager": "kubeadm-fleet", "time": "t"}]},
        "status": {},
    }
    assert slim({"metadata": {"name": "a", "managedFields": None}, "status": None}) == {
        "metadata": {"name": "a", "managedFields": None}, "status": None,
    }  # fmt: skip
