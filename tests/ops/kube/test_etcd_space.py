"""Alarms of etcd, and databases near their quota."""

import pytest

from ops.errors import OperatorError
from ops.kube import client, cluster_health, etcd_space
from tests.components.providers.test_health_check import node
from tests.ops.kube.api_server import Api
from tests.ops.kube.etcd_server import QUOTA, Etcd

NODES = "GET /api/v1/nodes"
ALARM = "etcd has raised the alarm NOSPACE and accepts no writes: see docs/runbooks/etcd-full.md"


@pytest.fixture
def etcd(api: Api) -> Etcd:
    api.answers[NODES] = (200, {"items": []})
    return Etcd(api, "a", "b")


def missing(api: Api) -> list[str]:
    with pytest.raises(OperatorError) as raised:
        cluster_health.await_ready(client.of(api.kubeconfig), "one", ["lost"], 0)
    return str(raised.value).splitlines()


def test_an_alarm_is_the_first_cause_of_what_is_missing(api: Api, etcd: Etcd) -> None:
    assert ALARM not in " ".join(missing(api))
    etcd.alarm = "NOSPACE"
    assert missing(api)[1].strip() == ALARM
    with pytest.raises(OperatorError, match=r"^cluster one: etcd .*No machine was"):
        etcd_space.reject_alarm(client.of(api.kubeconfig), "one")


def test_a_database_is_reported_from_four_fifths_of_its_quota_on(api: Api, etcd: Etcd) -> None:
    kube = client.of(api.kubeconfig)
    etcd.size = QUOTA * 8 // 10
    assert [*etcd_space.warnings(etcd_space.databases(kube))] == []
    etcd.size += 1 << 20
    first, second = etcd_space.warnings(etcd_space.databases(kube))
    assert first == (
        "etcd on 192.0.2.11: its database has 1639 MiB of 2048 MiB, of which 819 MiB are in use: "
        "see docs/runbooks/etcd-full.md"
    )
    assert second.startswith("etcd on 192.0.2.12: ")
    etcd_space.reject_alarm(kube, "one")


def test_a_cluster_whose_nodes_all_work_is_not_ready_while_an_alarm_is_raised(api: Api) -> None:
    etcd = Etcd(api, "a")
    api.answers[NODES] = (200, {"items": [node("a")]})
    kube = client.of(api.kubeconfig)
    for found in (
        cluster_health.check(kube, ["a"]),
        cluster_health.await_ready(kube, "one", ["a"], 0),
    ):
        assert (found["missing"], "warnings" in found) == ([], False)
    etcd.size = QUOTA
    for found in (
        cluster_health.check(kube, ["a"]),
        cluster_health.await_ready(kube, "one", ["a"], 0),
    ):
        assert (found["missing"], len(found["warnings"])) == ([], 1)
    etcd.alarm = "NOSPACE"
    assert cluster_health.check(kube, ["a"])["missing"] == [ALARM]
    with pytest.raises(OperatorError, match="alarm NOSPACE"):
        cluster_health.await_ready(kube, "one", ["a"], 0)


def test_an_etcd_that_cannot_be_asked_raises_no_alarm(api: Api) -> None:
    Etcd(api, "a", dead=["a"])
    assert etcd_space.databases(client.of(api.kubeconfig)) == []
    etcd_space.reject_alarm(client.of(api.kubeconfig), "one")
