"""etcd's members through the API, and which of them may leave."""

import pytest

from ops.errors import OperatorError
from ops.kube import client, etcd
from tests.ops.kube.api_server import Api
from tests.ops.kube.etcd_server import Etcd


def test_members_and_their_health(api: Api) -> None:
    made = Etcd(api, "a", "b", "c", "d", dead={"b"}, learners={"c", "d"}, unstarted={"d"})
    assert etcd.members(client.of(api.kubeconfig)) == [
        etcd.Member(made.id_of("a"), "a", "192.0.2.11", learner=False, healthy=True),
        etcd.Member(made.id_of("b"), "b", "192.0.2.12", learner=False, healthy=False),
        etcd.Member(made.id_of("c"), "c", "192.0.2.13", learner=True, healthy=True),
        etcd.Member(made.id_of("d"), "", "192.0.2.14", learner=True, healthy=False),
    ]


def test_the_pod_of_the_leaving_member_is_used_last(api: Api) -> None:
    Etcd(api, "a", "b", dead={"b"})
    del api.programs["etcd-a"]
    with pytest.raises(OperatorError, match=r"no etcd pod .* responded: etcd-b.*; etcd-a"):
        etcd.members(client.of(api.kubeconfig), besides="a")


def test_etcd_without_a_majority_is_reported(api: Api) -> None:
    made = Etcd(api, "a")
    made.failures["member list"] = (1, "", "context deadline exceeded")
    with pytest.raises(OperatorError, match=r"etcd-a: etcdctl member list: context deadline"):
        etcd.members(client.of(api.kubeconfig))


def test_a_cluster_without_etcd_pods_is_reported(api: Api) -> None:
    Etcd(api)
    with pytest.raises(OperatorError, match="none exists"):
        etcd.members(client.of(api.kubeconfig))


@pytest.mark.parametrize("dead", [set(), {"b"}])
def test_member_is_removed(api: Api, dead: set[str]) -> None:
    made = Etcd(api, "a", "b", "c", dead=dead)
    etcd.remove_member(client.of(api.kubeconfig), "b", address="192.0.2.12", deadline_seconds=9)
    assert list(made.members) == ["a", "c"]


def test_a_member_that_never_started_is_found_by_address(api: Api) -> None:
    made = Etcd(api, "a", "b", learners={"b"}, unstarted={"b"}, dead={"b"})
    etcd.remove_member(client.of(api.kubeconfig), "b", address="192.0.2.12", deadline_seconds=9)
    assert list(made.members) == ["a"]


def test_a_missing_member_is_ignored(api: Api) -> None:
    made = Etcd(api, "a", "b")
    etcd.remove_member(client.of(api.kubeconfig), "c", address="192.0.2.13", deadline_seconds=9)
    assert list(made.members) == ["a", "b"]


@pytest.mark.parametrize(
    ("names", "dead", "reason"),
    [(["a"], set(), "a .* is the last member"), (["a", "b", "c"], {"b"}, r"unhealthy: b \(192")],
)
def test_a_member_needed_for_quorum_stays(
    api: Api, names: list[str], dead: set[str], reason: str
) -> None:
    made = Etcd(api, *names, dead=dead)
    with pytest.raises(OperatorError, match=reason):
        etcd.remove_member(client.of(api.kubeconfig), "a", address="192.0.2.11", deadline_seconds=0)
    assert list(made.members) == names


def test_a_rejection_by_etcd_is_reported(api: Api) -> None:
    made = Etcd(api, "a", "b", "c")
    made.failures["member remove"] = (1, "", "etcdserver: unhealthy cluster")
    with pytest.raises(OperatorError, match=r"from etcd .* not possible .*unhealthy cluster"):
        etcd.remove_member(client.of(api.kubeconfig), "a", address="192.0.2.11", deadline_seconds=0)
