"""Writing every Secret again, and the record of what has written them."""

import pytest

from ops.errors import OperatorError
from ops.kube import client, stored_secrets
from ops.kube.stored_secrets import RECORD
from tests.ops.kube.api_server import Answer, Api

KEY, PLUGIN = "secretbox key-1", "kms vault"


def secret(name: str) -> dict[str, object]:
    return {"metadata": {"namespace": "shop", "name": name}}


def path(name: str) -> str:
    return f"PATCH /api/v1/namespaces/shop/secrets/{name}"


@pytest.fixture
def recorded(api: Api) -> list[str]:
    """Keep the record as the API would; the last entry is what it has."""
    writers: list[str] = []

    def write() -> Answer:
        writers.append(api.sent[f"PATCH {RECORD}"]["data"]["writer"])
        return 200, {}

    def read() -> Answer:
        return (200, {"data": {"writer": writers[-1]}}) if writers else (404, {"message": "none"})

    api.answers[f"PATCH {RECORD}"], api.answers[f"GET {RECORD}"] = write, read
    return writers


def test_each_secret_is_written_without_a_change_and_recorded(
    api: Api, recorded: list[str]
) -> None:
    api.lists["/api/v1/secrets"] = [secret("one"), secret("two")]
    for name in ("one", "two"):
        api.answers[path(name)] = (200, {})
    assert stored_secrets.rewrite(client.of(api.kubeconfig), KEY) == 2
    assert [api.sent[path(name)] for name in ("one", "two")] == [{}, {}]
    assert recorded == [KEY]


def test_without_any_secret_it_is_recorded_as_well(api: Api, recorded: list[str]) -> None:
    api.lists["/api/v1/secrets"] = []
    assert stored_secrets.rewrite(client.of(api.kubeconfig), KEY) == 0
    assert recorded == [KEY]


def test_a_secret_that_was_deleted_meanwhile_is_passed_over(api: Api, recorded: list[str]) -> None:
    api.lists["/api/v1/secrets"] = [secret("gone")]
    api.answers[path("gone")] = (404, {"message": "not found"})
    assert stored_secrets.rewrite(client.of(api.kubeconfig), KEY) == 1
    assert recorded == [KEY]


def test_a_secret_that_cannot_be_written_is_named_and_nothing_is_recorded(
    api: Api, recorded: list[str]
) -> None:
    api.lists["/api/v1/secrets"] = [secret("one")]
    api.answers[path("one")] = (403, {"message": "a webhook says no"})
    with pytest.raises(
        OperatorError, match=r"writing the Secret shop/one again .* webhook says no"
    ):
        stored_secrets.rewrite(client.of(api.kubeconfig), KEY)
    assert recorded == []


def test_who_begins_to_write_is_recorded_once_beside_the_former(
    api: Api, recorded: list[str]
) -> None:
    its = client.of(api.kubeconfig)
    assert stored_secrets.writer(its) == ""
    stored_secrets.begin(its, KEY)
    assert stored_secrets.writer(its) == f"unknown, {KEY}", "whatever there was before"
    stored_secrets.begin(its, KEY)
    assert len(recorded) == 1
    recorded[:] = [KEY]
    stored_secrets.begin(its, KEY)
    assert recorded == [KEY]
    stored_secrets.begin(its, PLUGIN)
    assert stored_secrets.writer(its) == f"{KEY}, {PLUGIN}"
