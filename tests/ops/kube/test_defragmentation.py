"""Defragmentation of etcd: the order of its members, and when there is none."""

import pytest

from ops.errors import OperatorError
from ops.kube import client, defragmentation, etcd
from tests.ops.kube.api_server import Api
from tests.ops.kube.etcd_server import QUOTA, REVISION, Etcd


def defragment(api: Api) -> tuple[list[defragmentation.Defragmented], list[str]]:
    reported: list[str] = []
    done = list(defragmentation.defragment(client.of(api.kubeconfig), reported.append))
    return done, reported


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(defragmentation, "RECOVERY_SECONDS", 0)


@pytest.mark.parametrize(
    ("leader", "order"), [("a", ["b", "c", "a"]), ("b", ["a", "c", "b"]), ("c", ["a", "b", "c"])]
)
def test_the_leader_is_the_last(api: Api, leader: str, order: list[str]) -> None:
    fake = Etcd(api, "a", "b", "c")
    fake.leader = leader
    done, reported = defragment(api)
    assert fake.defragmented == order == [turn.member.name for turn in done]
    assert [turn.member.role for turn in done] == ["follower", "follower", "leader"]
    assert reported[0] == f"{order[0]}: defragmenting (follower)"
    assert fake.compacted == []


def test_space_before_and_after(api: Api) -> None:
    fake = Etcd(api, "a")
    (done,), _ = defragment(api)
    before = done.member.database
    assert before is not None
    assert (before.size, before.in_use, before.quota) == (fake.size, fake.size // 2, QUOTA)
    assert done.after.size == fake.size // 4


def test_an_unhealthy_member_keeps_all_as_they_are(api: Api) -> None:
    fake = Etcd(api, "a", "b", "c", dead={"b"})
    with pytest.raises(OperatorError, match=r"unhealthy members of etcd: b \(192\.0\.2\.12\)\. "):
        defragment(api)
    assert fake.defragmented == []


def test_a_member_that_becomes_unhealthy_ends_it(api: Api) -> None:
    fake = Etcd(api, "a", "b", "c")
    dead: set[str] = set()
    fake.dead = dead
    before = api.programs["etcd-b"]

    def lose_c(command: list[str]) -> tuple[int, str, str]:
        dead.update({"c"} if "defrag" in command else ())
        return before(command)

    api.programs["etcd-b"] = lose_c
    with pytest.raises(OperatorError, match=r"etcd: c .* Not defragmented: a, c$"):
        defragment(api)
    assert fake.defragmented == ["b"]


def test_a_leader_that_changes_stays_the_last(api: Api) -> None:
    fake = Etcd(api, "a", "b", "c")
    before = api.programs["etcd-b"]

    def elect_c(command: list[str]) -> tuple[int, str, str]:
        fake.leader = "c" if "defrag" in command else fake.leader
        return before(command)

    api.programs["etcd-b"] = elect_c
    defragment(api)
    assert fake.defragmented == ["b", "a", "c"]


def test_a_full_etcd_is_compacted_first_and_accepts_writes_again(api: Api) -> None:
    fake = Etcd(api, "a", "b")
    fake.size, fake.alarm = QUOTA, etcd.NO_SPACE
    _, reported = defragment(api)
    assert (fake.compacted, fake.alarm) == ([REVISION], "")
    assert reported[0].startswith("compacting: ")
    assert reported[-1] == "the alarm NOSPACE is disarmed: etcd accepts writes again"


def test_a_compaction_that_was_done_is_no_failure(api: Api) -> None:
    fake = Etcd(api, "a")
    fake.alarm = etcd.NO_SPACE
    error = "{}\nError: etcdserver: mvcc: required revision has been compacted"
    fake.failures[f"compact {REVISION}"] = (1, "", error)
    defragment(api)
    assert (fake.defragmented, fake.alarm) == (["a"], "")


def test_the_alarm_of_a_database_that_stays_full_is_not_disarmed(api: Api) -> None:
    fake = Etcd(api, "a")
    fake.size, fake.alarm = 4 * QUOTA, etcd.NO_SPACE
    with pytest.raises(OperatorError, match=r"on 192\.0\.2\.11 are still nearly full.*etcd-full"):
        defragment(api)
    assert (fake.defragmented, fake.alarm) == (["a"], etcd.NO_SPACE)


def test_a_corrupt_database_is_not_touched(api: Api) -> None:
    fake = Etcd(api, "a")
    fake.alarm = "CORRUPT"
    with pytest.raises(OperatorError, match="unhealthy members of etcd: a"):
        defragment(api)
    assert fake.defragmented == []


def test_a_failure_is_reported_with_the_last_line_of_etcdctl(api: Api) -> None:
    fake = Etcd(api, "a")
    fake.failures["defrag"] = (1, "", '{"level":"warn"}\nError: context deadline exceeded\n')
    with pytest.raises(OperatorError, match=r"^a could not be defragmented: Error: context dead"):
        defragment(api)


def test_a_member_with_the_alarm_of_a_full_database_is_healthy(api: Api) -> None:
    fake = Etcd(api, "a", "b")
    fake.alarm = etcd.NO_SPACE
    assert all(member.healthy for member in etcd.members(client.of(api.kubeconfig)))
    fake.alarm = "NOSPACE CORRUPT"
    assert not any(member.healthy for member in etcd.members(client.of(api.kubeconfig)))
