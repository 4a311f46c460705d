"""The time of an API server, from its answers."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from ops.kube.client import Client
from ops.kube.errors import ApiError
from ops.kube.server_clock import ServerClock
from tests.ops.kube.api_server import Api

NEARLY = timedelta(seconds=5)


def is_ahead(clock: ServerClock, ahead: timedelta) -> bool:
    return abs(clock.now() - datetime.now(UTC) - ahead) < NEARLY


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(hours=5), timedelta(days=-400)])
def test_it_is_that_of_the_last_answer(api: Api, ahead: timedelta) -> None:
    client = Client(api.kubeconfig)
    shared = client.limited(seconds=3)
    assert is_ahead(client.clock, timedelta())
    api.ahead = ahead
    with pytest.raises(ApiError):
        shared.get("/a/refusal/has/a/date/too")
    assert is_ahead(client.clock, ahead)
    api.ahead = timedelta()
    api.answers["GET /version"] = (200, {})
    client.get("/version")
    assert is_ahead(shared.clock, timedelta())


@pytest.mark.parametrize(
    "date",
    ["", "now", "Fri, 99 Nov 2026 08:00:00 GMT", "Fri, 27 Nov 2026 08:00:00", "\0", "9" * 400],
)
def test_a_date_that_is_none_changes_nothing(date: str) -> None:
    clock = ServerClock()
    clock.heard(format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True))
    clock.heard(date)
    assert is_ahead(clock, timedelta(hours=1))


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(seconds=90), timedelta(days=-400)])
def test_this_hosts_clock_is_compared_with_it(api: Api, ahead: timedelta) -> None:
    client = Client(api.kubeconfig)
    assert client.clock.host_ahead is None
    api.ahead = ahead
    api.answers["GET /version"] = (200, {})
    client.get("/version")
    found = client.clock.host_ahead
    assert found is not None and abs(found + ahead.total_seconds()) <= 2


@pytest.mark.parametrize("late", [1.0, 2.9, 30.0])
def test_an_answer_that_is_late_is_no_difference_of_clocks(late: float) -> None:
    clock = ServerClock()
    clock.heard(format_datetime(datetime.now(UTC), usegmt=True), 0.1)
    assert clock.host_ahead is not None and abs(clock.host_ahead) <= 1
    answered = datetime.now(UTC) - timedelta(seconds=late)
    clock.heard(format_datetime(answered, usegmt=True), late)
    assert abs(clock.host_ahead) <= 2
