"""The API client: pages, errors, retries, one client for each cluster, import time."""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from itertools import chain, repeat
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from ops.errors import OperatorError
from ops.kube import client
from ops.kube.client import Client
from ops.kube.errors import ApiError, Conflict, Expired, Refused, Unavailable
from tests.ops.kube.api_server import Answer, Api, serving

NODES = "/api/v1/nodes"
NODE = f"{NODES}/a"
A, B, C = ({"metadata": {"name": name}} for name in "abc")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.5)


@pytest.fixture
def kube(api: Api) -> Client:
    return Client(api.kubeconfig)


def one_after_the_other(*answers: Answer) -> Callable[[], Answer]:
    """Answers in their order; the last one again and again."""
    left: Iterator[Answer] = chain(answers, repeat(answers[-1]))
    return lambda: next(left)


def test_a_list_is_read_in_pages(api: Api, kube: Client) -> None:
    api.answers[f"GET {NODES}"] = one_after_the_other(
        (200, {"metadata": {"continue": "to b&c"}, "items": [A, B]}),
        (200, {"metadata": {"continue": "to d"}, "items": None}),
        (200, {"metadata": {}, "items": [C]}),
    )
    assert list(kube.pages(NODES, labelSelector="a=b")) == [A, B, C]
    always = {"labelSelector": ["a=b"], "limit": [str(client.PAGE)]}
    pages = [always, {**always, "continue": ["to b&c"]}, {**always, "continue": ["to d"]}]
    assert api.queries == pages


def test_pages_are_read_lazily(api: Api, kube: Client) -> None:
    api.answers[f"GET {NODES}"] = (200, {"metadata": {"continue": "more"}, "items": [A]})
    items = kube.pages(NODES)
    assert api.asked == []
    assert next(items) == A
    assert len(api.asked) == 1


def test_objects_are_created_patched_and_deleted(api: Api, kube: Client) -> None:
    for verb, path in (("POST", NODES), ("PATCH", NODE), ("DELETE", NODE)):
        api.answers[f"{verb} {path}"] = (200, {"kind": "Node"})
    assert kube.create(NODES, {"new": 1}) == kube.patch(NODE, {"spec": {}}) == {"kind": "Node"}
    kube.patch(NODE, {"applied": 1}, kind=client.APPLY, force="true")
    assert api.types[f"PATCH {NODE}"] == "application/apply-patch+yaml"
    assert api.queries[-1] == {"force": ["true"]}
    kube.delete(NODE, {"gracePeriodSeconds": 0})
    assert api.sent == {
        f"POST {NODES}": {"new": 1},
        f"PATCH {NODE}": {"applied": 1},
        f"DELETE {NODE}": {"gracePeriodSeconds": 0},
    }


@pytest.mark.parametrize(
    ("status", "kind", "text"),
    [
        (403, ApiError, "403 Forbidden: you may not"),
        (409, Conflict, "409 Conflict: you may not"),
        (410, Conflict, "410 Gone: you may not"),
        (429, Unavailable, "429 Too Many Requests: you may not"),
        (500, Unavailable, "500 Internal Server Error: you may not"),
        (599, Unavailable, "status 599: you may not"),
    ],
)
def test_a_rejection_has_the_status_and_message_of_the_api(
    api: Api, kube: Client, status: int, kind: type[ApiError], text: str
) -> None:
    details = {"causes": [{"reason": "Because"}]}
    api.answers[f"GET {NODE}"] = (status, {"message": "you may not", "details": details})
    with pytest.raises(ApiError) as raised:
        kube.get(NODE)
    assert type(raised.value) is kind
    assert str(raised.value) == text
    assert raised.value.details == details


@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_an_overloaded_api_requests_is_bounded(
    api: Api, kube: Client, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """A proxy before it may ask for an hour."""
    monkeypatch.setattr(client, "RETRY_AFTER_SECONDS", 0.01)
    answers = iter([(status, {}), (200, {"kind": "Node"})])
    api.answers[f"GET {NODE}"] = lambda: next(answers)
    api.headers[f"GET {NODE}"] = {"Retry-After": "3600"}
    assert kube.get(NODE) == {"kind": "Node"}


@pytest.mark.parametrize(
    ("header", "details", "seconds"),
    [("7", {}, 7), ("", {"retryAfterSeconds": 10}, 10), ("7", {"retryAfterSeconds": 10}, 10),
     ("Thu, 26 Nov 2026 00:00:00 GMT", {}, 0), ("", {}, 0)],
)  # fmt: skip
def test_the_wait_that_a_refusal_requests_is_known(
    api: Api, kube: Client, header: str, details: dict[str, int], seconds: int
) -> None:
    api.answers[f"POST {NODES}"] = (429, {"message": "later", "details": details})
    api.headers[f"POST {NODES}"] = {"Retry-After": header} if header else {}
    with pytest.raises(ApiError, match="later") as raised:
        kube.create(NODES, {})
    assert raised.value.retry_after_seconds == seconds
    assert len(api.asked) == 1


def test_a_missing_object_is_none(api: Api, kube: Client) -> None:
    assert kube.find(NODE) is None
    api.answers[f"GET {NODE}"] = (403, {"message": "no"})
    with pytest.raises(ApiError, match="no"):
        kube.find(NODE)


def test_an_unreachable_api_is_unavailable(api: Api) -> None:
    nowhere = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:1", api.kubeconfig)
    with pytest.raises(Unavailable, match=r"no response: .*[Rr]efused") as raised:
        Client(nowhere, retries=0).get(NODE)
    assert raised.value.status is None


def test_only_the_clusters_own_ca_is_trusted(api: Api) -> None:
    with serving() as other:
        pattern = r"certificate-authority-data: (\S+)"
        ca, others = (re.search(pattern, each.kubeconfig) for each in (api, other))
        assert ca and others
        with pytest.raises(Unavailable, match="certificate verify failed"):
            Client(api.kubeconfig.replace(ca[1], others[1]), retries=0).get(NODE)


def test_an_expired_certificate_of_the_api_server_is_recognized() -> None:
    with (
        serving(valid=timedelta(minutes=-1)) as api,
        pytest.raises(Expired, match="certificate has expired"),
    ):
        Client(api.kubeconfig, retries=0).get(NODE)


@pytest.mark.parametrize("seconds", [0, 0.2], ids=["before TLS begins", "after its first message"])
def test_a_load_balancer_without_an_api_server_is_recognized(api: Api, seconds: float) -> None:
    """It accepts each connection and closes it."""

    def close_connections() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                time.sleep(seconds)
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=close_connections)
        thread.start()
        port = str(listener.getsockname()[1])
        kubeconfig = re.sub(r"(?<=127.0.0.1:)\d+", port, api.kubeconfig)
        with pytest.raises(Refused, match="no API server is ready behind the endpoint"):
            Client(kubeconfig, retries=0).get(NODE)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_credentials_are_not_written_to_disk(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    files = []
    make = tempfile.NamedTemporaryFile

    def noted(**options: Any) -> Any:
        files.append(make(**options))
        return files[-1]

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", noted)
    Client(api.kubeconfig)
    (file,) = (Path(each.name) for each in files)
    assert file.parent == Path("/dev/shm")
    assert not file.exists()


def test_a_limited_client_shares_the_connections(api: Api, kube: Client) -> None:
    answers = (503, {"message": "no leader"})
    api.answers[f"GET {NODE}"] = answers
    with pytest.raises(Unavailable, match="no leader"):
        kube.limited(retries=0, seconds=2).get(NODE)
    assert kube.limited(seconds=2)._pool is kube._pool


def test_connections_are_kept_alive_and_probed(api: Api, kube: Client) -> None:
    """One that leads to a machine without power is noticed by the kernel."""
    api.answers[f"GET {NODE}"] = (200, {})
    for _ in range(3):
        kube.get(NODE)
    pool = kube._pool.connection_from_url(kube.access.server)
    assert pool.num_connections == 1
    kept: Any = pool._get_conn()
    assert kept.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 5000
    assert kept.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


@pytest.mark.parametrize("status", [409, 410, 500, 503])
def test_transient_errors_are_retried(api: Api, kube: Client, status: int) -> None:
    api.answers[f"GET {NODE}"] = one_after_the_other((status, {"message": "not now"}), (200, {}))
    assert kube.retry("reading Node a", lambda: kube.get(NODE)) == {}
    assert len(api.asked) == 2


def test_a_rejection_is_reported_at_once(api: Api, kube: Client) -> None:
    api.answers[f"GET {NODE}"] = (403, {"message": "you may not"})
    with pytest.raises(OperatorError) as raised:
        kube.retry("reading Node a", lambda: kube.get(NODE))
    assert len(api.asked) == 1
    server = kube.access.server
    assert str(raised.value).startswith(
        f"reading Node a at {server} failed: 403 Forbidden: you may not. Check the API "
        "(`kubectl --context cluster1-admin get --raw /readyz`)"
    )


def test_an_api_that_stays_unavailable_is_reported(api: Api, kube: Client) -> None:
    api.answers[f"GET {NODE}"] = (503, {"message": "no leader"})
    with pytest.raises(OperatorError, match=r"reading Node a at .*503 .*no leader"):
        kube.retry("reading Node a", lambda: kube.get(NODE))
    assert len(api.asked) > 1


def test_a_cluster_has_one_client_for_all_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads = 16
    built, together = [], Barrier(threads)

    def build(kubeconfig: str) -> object:
        time.sleep(0.02)
        built.append(kubeconfig)
        return object()

    def ask(_: int) -> list[Client]:
        together.wait()
        return [client.of(name) for name in ("first", "second")]

    client._built.cache_clear()
    monkeypatch.setattr(client, "Client", build)
    try:
        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(ask, range(threads)))
        assert built == ["first", "second"]
        assert len({id(each) for pair in found for each in pair}) == 2
        monkeypatch.setattr(client, "Client", lambda _: object())
        for index in range(2 * client.CLIENTS):
            client.of(str(index))
        assert client._built.cache_info().currsize == client.CLIENTS
    finally:
        client._built.cache_clear()


def test_threads_share_a_client(api: Api, kube: Client) -> None:
    api.answers[f"GET {NODE}"] = (200, {"kind": "Node"})
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: kube.get(NODE), range(200)))
    assert found == [{"kind": "Node"}] * 200


MEASURE = """
import json, resource, sys, time
began = time.process_time()
import urllib3, urllib3.connection
least = time.process_time() - began

def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

began, before = time.process_time(), memory()
import ops.kube.client
seconds, grown = time.process_time() - began, memory() - before
import ops.kube.cluster_health, ops.kube.nodes, ops.kube.retirement, ops.kube.apply
print(json.dumps([seconds / least, grown, sorted(sys.modules)]))
"""


def test_importing_the_client_is_fast() -> None:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    measured = [
        json.loads(subprocess.check_output([sys.executable, "-c", MEASURE], env=environment))
        for _ in range(3)
    ]
    assert min(ratio for ratio, _, _ in measured) < 1, "longer than the library below it"
    assert min(grown for _, grown, _ in measured) < 10
    heavy = {"kubernetes", "websocket", "requests", "pulumi", "paramiko", "cryptography"}
    assert not heavy.intersection(measured[0][2])
