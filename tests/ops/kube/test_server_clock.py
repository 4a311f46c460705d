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
