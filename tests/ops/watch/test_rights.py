"""What a credential may not read, and what it should not be able to change."""

import pytest

from model.watch import problem
from ops.watch import denials, slow
from ops.watch.watcher import PODS_PATH
from tests.ops.watch.conftest import Begin
from tests.ops.watch.faults import stop_kubelet
from tests.ops.watch.watched_api import Apis

LOG = f"{PODS_PATH}/probe-n0/log"


def test_what_may_not_be_read_is_told(
    apis: Apis, watching: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(denials, "DENIAL_HOLD", 1.0)
    cluster = apis.add("c", 2)
    cluster.failures = {
        path: (403, "forbidden") for path in (PODS_PATH, *denials.NETWORK_PATHS, "/metrics")
    }
    watch = watching("c")
    watch.until_told("began CannotRead")
    assert PODS_PATH in watch.events[0].message
    stop_kubelet(cluster)
    watch.until_told("began CannotRead", "began NotReady n1")


@pytest.mark.parametrize(
    ("denied", "path"),
    [(PODS_PATH, PODS_PATH), (LOG, f"{PODS_PATH}/NAME/log")],
    ids=["list", "log"],
)
def test_what_may_not_be_read_is_still_so_after_an_outage(
    apis: Apis, watching: Begin, monkeypatch: pytest.MonkeyPatch, denied: str, path: str
) -> None:
    monkeypatch.setattr(denials, "DENIAL_HOLD", 1.0)
    monkeypatch.setattr(problem, "END_SECONDS", 1.0)
    cluster = apis.add("c", 1)
    cluster.failures = {denied: (403, "forbidden")}
    watch = watching("c")
    watch.until_told("began CannotRead")
    assert path in watch.events[0].message
    cluster.failures = {denied: (503, "the server is shutting down")}
    before = cluster.asked.count(f"GET {denied}")
    watch.until(lambda: cluster.asked.count(f"GET {denied}") > before + 1)
    watch.quiet(3)
    assert watch.told() == ["began CannotRead"]
    cluster.failures = {}
    watch.until_told("began CannotRead", "ended CannotRead")


def test_an_api_server_that_knows_no_roles_yet_is_no_denial(apis: Apis, watching: Begin) -> None:
    cluster = apis.add("c", 2)
    cluster.failures = {PODS_PATH: (403, "forbidden")}
    watch = watching("c")
    watch.until(lambda: cluster.asked.count(f"GET {PODS_PATH}") >= 2)
    cluster.failures = {}
    watch.until_known("c")
    stop_kubelet(cluster)
    watch.until_told("began NotReady n1")


def test_a_credential_that_may_change_something_is_told(apis: Apis, watching: Begin) -> None:
    cluster = apis.add("c", 2)
    cluster.rights = {"create pods", "get secrets"}
    watch = watching("c")
    watch.until_told("began MayChange", "began MayChange")
    assert {request.split()[0] for request in cluster.asked} == {"GET", "POST"}
    posts = {request for request in cluster.asked if request.startswith("POST")}
    assert posts == {f"POST {slow.REVIEWS}"}
