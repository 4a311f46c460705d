"""What a Prometheus of a cluster answers, when it answers something else, and when it does not."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from model.capacity.reading import History
from ops.kube import prometheus
from ops.kube.client import Client
from ops.kube.prometheus import Source, cpu_expression, memory_expression
from tests.ops.kube.api_server import Api

SOURCE = Source.parse("monitoring/prometheus:9090")
QUERY = f"GET {SOURCE.query_path}"
WEEK = 7 * 86400


def series(pod: str, value: Any) -> dict[str, Any]:
    return {"metric": {"namespace": "shop", "pod": pod}, "value": [1732788000.781, value]}


def vector(*result: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "vector", "result": list(result)}}


@pytest.fixture
def client(api: Api) -> Client:
    return Client(api.kubeconfig, retries=1)


def read(client: Any, seconds: float = 5) -> History:
    return prometheus.read(client, SOURCE, WEEK, seconds)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("monitoring/prometheus:9090", "monitoring/services/prometheus:9090/proxy"),
        ("o11y/https:prom:web", "o11y/services/https:prom:web/proxy"),
        ("m/http:thanos-query:9090/", "m/services/http:thanos-query:9090/proxy"),
        ("m/vm:8481/select/0/prometheus", "m/services/vm:8481/proxy/select/0/prometheus"),
    ],
)
def test_a_source_is_a_path_of_the_api_server(text: str, path: str) -> None:
    source = Source.parse(text)
    assert source.query_path == f"/api/v1/namespaces/{path}/api/v1/query"
    assert Source.parse(str(source)) == source


@pytest.mark.parametrize(
    "text",
    [
        *("", "prometheus", "monitoring/prometheus", "prometheus:9090", "a/b:9090:1", "a/ftp:b:1"),
        *("https://prometheus.example:9090", "a/b:9090/../../../secrets", "a/b:9090?x=y", "A/b:1"),
        *("a/b:9090#", "a/b:9090/x/../y", "a/b:9090\n", "a/b:%39", "a b/c:1"),
    ],
)
def test_anything_else_is_no_source(text: str) -> None:
    with pytest.raises(ValueError, match="is not NAMESPACE/SERVICE:PORT"):
        Source.parse(text)


def test_there_is_one_query_for_each_resource(api: Api, client: Client) -> None:
    api.answers[QUERY] = (200, vector(series("x", "0.1234"), series("y", "2e3")))
    found = read(client)
    assert (found.source, found.seconds, found.reason) == ("monitoring/prometheus:9090", WEEK, "")
    assert found.pods == {
        ("shop", "x"): {"cpu": 124, "memory": 1},
        ("shop", "y"): {"cpu": 2_000_000, "memory": 2000},
    }
    asked = {query["query"][0] for query in api.queries}
    assert asked == {cpu_expression(WEEK), memory_expression(WEEK)}
    assert len(api.queries) == 2
    assert {query["timeout"][0] for query in api.queries} == {"5s"}


def test_a_pod_with_one_resource_is_not_known() -> None:
    """Otherwise it would seem to use nothing of the other."""
    answers = {
        cpu_expression(WEEK): vector(series("x", "1"), series("cpu-alone", "1")),
        memory_expression(WEEK): vector(series("x", "5"), series("memory-alone", "1")),
    }

    class Fake:
        def limited(self, **_: Any) -> "Fake":
            return self

        def bounded(
            self, _path: str, _most: int, reduce: Callable[[bytes], Any], *, query: str, **_: Any
        ) -> Any:
            return reduce(json.dumps(answers[query]).encode())

    assert read(Fake()).pods == {("shop", "x"): {"cpu": 1000, "memory": 5}}


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        (404, {"message": 'services "prometheus" not found'}, "not found"),
        (403, {"message": "cannot get resource services/proxy"}, "403 Forbidden"),
        (503, {"message": "no endpoints available for service"}, "no endpoints available"),
        (422, {"status": "error", "error": "would load too many samples"}, "too many samples"),
        (302, {}, "302"),
        (200, {"status": "error", "errorType": "execution", "error": "broken"}, "broken"),
        (200, {"status": "success"}, "not one of Prometheus"),
        (200, {"status": "success", "data": {"resultType": "matrix", "result": []}}, "not one of"),
        (200, [], "not one of Prometheus"),
        (200, vector(series("x", "much")), "not one of Prometheus"),
        (200, vector(3), "not one of Prometheus"),
        (200, vector(), "no metrics of containers"),
        (200, vector(series("x", "NaN")), "no metrics of containers"),
    ],
)
def test_why_nothing_is_known_is_said(
    api: Api, client: Client, status: int, answer: Any, reason: str
) -> None:
    api.answers[QUERY] = (status, answer)
    found = read(client)
    assert not found.pods
    assert reason in found.reason
    assert len(api.queries) == 2, "a query that fails is not repeated"


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "-1", "1e300", "1e999"])
def test_what_is_no_amount_is_left_out(value: str) -> None:
    answer = json.dumps(vector(series("x", value), series("y", "1"))).encode()
    assert prometheus.parsed(answer, 1) == {("shop", "y"): 1}


@pytest.mark.parametrize(
    "answer", [b"", b"<html>login</html>", b"\xff\xfe", b"[" * 200_000, b'{"status": "success']
)
@pytest.mark.timeout(30)
def test_what_is_not_json_is_refused(answer: bytes) -> None:
    with pytest.raises(ValueError, match="not one of Prometheus"):
        prometheus.parsed(answer, 1)


def test_a_series_without_a_pod_is_left_out() -> None:
    nameless = {"metric": {}, "value": [1, "5"]}
    assert prometheus.parsed(json.dumps(vector(nameless)).encode(), 1) == {}


def test_an_answer_without_end_is_cut(api: Api, client: Client) -> None:
    api.answers[QUERY] = (200, vector(*(series(f"p-{index}", "1") for index in range(60_000))))
    assert "larger than 4 MiB" in read(client).reason


def test_one_that_hangs_takes_its_time_and_no_more(api: Api, client: Client) -> None:
    released = threading.Event()

    def hang() -> tuple[int, dict[str, Any]]:
        released.wait(60)
        return 200, {}

    api.answers[QUERY] = hang
    begin = time.monotonic()
    try:
        found = read(client, 1)
    finally:
        released.set()
    assert time.monotonic() - begin < 3
    assert "timed out" in found.reason or "no answer within 1 s" in found.reason


def test_a_long_time_is_looked_at_in_larger_steps() -> None:
    assert "[604800s:300s]" in memory_expression(WEEK)
    assert "[31536000s:15643s]" in memory_expression(365 * 86400)
