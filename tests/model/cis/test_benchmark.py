"""The table of items as a whole, flags, audit policies and the report."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from model.cis import audit_policy
from model.cis.audit_policy import Request
from model.cis.benchmark import ITEMS, NUMBERS
from model.cis.flags import Flags
from model.cis.item import State
from model.cis.machine_facts import NotKnown, parse
from model.cis.report import ReadCluster, ReadMachine, report
from tests.model.cis import good

# How many items each section of the benchmark has, and how many of them are automated.
SECTIONS = {
    "1.1": (21, 17), "1.2": (30, 22), "1.3": (7, 6), "1.4": (2, 2), "2": (7, 6), "3.1": (3, 0),
    "3.2": (2, 0), "4.1": (10, 6), "4.2": (14, 5), "4.3": (1, 1), "5.1": (13, 0),
    "5.2": (12, 0), "5.3": (2, 0), "5.4": (2, 0), "5.5": (1, 0), "5.6": (4, 0),
}  # fmt: skip


def test_the_table_has_the_benchmarks_sections() -> None:
    def section(number: str) -> str:
        return "2" if number.startswith("2.") else number.rpartition(".")[0]

    counts = Counter(section(item.number) for item in ITEMS)
    automated = Counter(section(item.number) for item in ITEMS if item.automated)
    assert {name: (counts[name], automated[name]) for name in counts} == SECTIONS


def test_numbers_are_unique_and_in_order() -> None:
    assert sorted(set(NUMBERS), key=lambda number: [*map(int, number.split("."))]) == list(NUMBERS)


def test_every_item_has_a_title_and_a_remedy_of_its_own_words() -> None:
    assert len({item.title for item in ITEMS}) == len(ITEMS)
    for item in ITEMS:
        assert item.remedy.endswith("."), item.number
        assert not item.title.endswith(".") and not item.title.startswith("Ensure"), item.number


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["--profiling=false"], "false"),
        (["--profiling", "false"], "true"),
        (["--profiling", "10"], "10"),
        (["--profiling", "--v=2"], "true"),
        (["--profiling"], "true"),
        (["--profiling=false", "--profiling=true"], "true"),
        (["-profiling=false"], "false"),
        (["--profiling="], ""),
        (["--profiling-other=false", "profiling=false"], None),
        ([], None),
    ],
)
def test_flags_are_read_as_the_component_reads_them(
    arguments: list[str], value: str | None
) -> None:
    assert Flags.parse(["program", *arguments, ""]).last("profiling") == value


def test_underscores_are_dashes_and_lists_are_joined() -> None:
    flags = Flags.parse(["program", "--feature_gates=A=true, B=false", "--feature-gates=C=true"])
    assert flags.words("feature-gates") == ("A=true", "B=false", "C=true")


RULES: list[tuple[dict[str, Any], str]] = [
    ({"level": "Metadata"}, "Metadata"),
    ({"level": "Metadata", "users": ["system:kube-proxy"]}, "None"),
    ({"level": "Metadata", "userGroups": ["system:nodes"]}, "None"),
    ({"level": "Metadata", "userGroups": ["system:authenticated"]}, "Metadata"),
    ({"level": "Metadata", "namespaces": ["kube-system"]}, "None"),
    ({"level": "Metadata", "verbs": ["get"]}, "None"),
    ({"level": "Metadata", "nonResourceURLs": ["/healthz"]}, "None"),
    ({"level": "Metadata", "resources": [{"group": "apps"}]}, "None"),
    ({"level": "Metadata", "resources": [{"group": "*"}]}, "Metadata"),
    ({"level": "Metadata", "resources": [{"group": ""}]}, "Metadata"),
    ({"level": "Metadata", "resources": [{"resources": ["pods"]}]}, "None"),
    ({"level": "Metadata", "resources": [{"resources": ["pods/*"]}]}, "Metadata"),
    ({"level": "Metadata", "resources": [{"resources": ["*/exec"]}]}, "Metadata"),
    ({"level": "Metadata", "resources": [{"resources": ["*"]}]}, "Metadata"),
    (
        {"level": "Metadata", "resources": [{"resources": ["pods/exec"], "resourceNames": ["a"]}]},
        "None",
    ),
    ({"level": "nonsense"}, "None"),
]


@pytest.mark.parametrize(("rule", "level"), RULES)
def test_an_audit_rule_is_about_an_ordinary_users_request(rule: dict[str, Any], level: str) -> None:
    assert audit_policy.level({"rules": [rule]}, Request("create", "", "pods/exec")) == level


def test_the_first_rule_counts_and_bodies_of_secrets_are_a_gap() -> None:
    everything = {"level": "RequestResponse"}
    secrets = {"level": "Metadata", "resources": [{"resources": ["secrets"]}]}
    (gap,) = audit_policy.gaps({"rules": [secrets, everything]})
    assert gap == "bodies with secrets are logged: serviceaccounts/token, tokenreviews"
    assert len([*audit_policy.gaps({})]) == 3


def cluster(**others: Any) -> ReadCluster:
    machines = (
        ReadMachine("one-control-plane-0", good.control_plane()),
        ReadMachine("one-worker-0", good.worker()),
    )
    return ReadCluster(**{"name": "one", "machines": machines, "facts": good.cluster(), **others})


def test_every_item_of_a_good_cluster_is_counted_once() -> None:
    found = report([cluster()])
    (summary,) = found.clusters
    assert summary.failed == summary.unknown == 0
    assert summary.passed + summary.manual == len(ITEMS)
    assert not found.failed and not found.unreadable
    assert all((result.remedy == "") is (result.state is State.PASS) for result in found.results)


def test_the_worst_machine_decides_an_items_count() -> None:
    wrong = good.mode("/etc/kubernetes/kubelet.conf", 0o644)(good.worker())
    machines = (*cluster().machines[:1], ReadMachine("one-worker-0", wrong))
    found = report([cluster(machines=machines)])
    assert found.clusters[0].failed == 1
    assert [(each.item, each.node) for each in found.results if each.state is State.FAIL] == [
        ("4.1.5", "one-worker-0")
    ]


def test_a_machine_that_cannot_be_read_hides_no_other_one() -> None:
    machines = (*cluster().machines[:1], ReadMachine("one-worker-0", None, "timed out"))
    found = report([cluster(machines=machines), cluster(name="other")])
    (unreadable,) = found.unreadable
    assert (unreadable.node, unreadable.reason) == ("one-worker-0", "timed out")
    assert [row.unknown for row in found.clusters] == [0, 0]


def test_an_api_that_does_not_answer_leaves_its_items_unknown() -> None:
    found = report([cluster(facts=None, reason="unavailable")])
    (summary,) = found.clusters
    assert summary.unknown == len([number for number in NUMBERS if number.startswith("5.")])
    assert [(each.node, each.reason) for each in found.unreadable] == [("", "unavailable")]


def test_a_component_that_does_not_run_is_one_reason_with_its_items() -> None:
    facts = good.control_plane()
    processes = {name: found for name, found in facts.processes.items() if name != "kube-scheduler"}
    stopped = replace(facts, processes=processes)
    found = report([cluster(machines=(ReadMachine("one-control-plane-0", stopped),))])
    (unreadable,) = found.unreadable
    assert unreadable.reason == "kube-scheduler does not run (items 1.1.15 to 1.4.2)"
    assert found.clusters[0].unknown == 4


@pytest.mark.parametrize("line", ["path\tnine\troot:root\tf\t/a", "process\tetcd\t%", "unit"])
def test_a_malformed_response_is_a_reason(line: str) -> None:
    with pytest.raises(NotKnown, match="malformed"):
        parse([line, "complete"], is_control_plane=False)


def test_malformed_facts_leave_only_their_items_open() -> None:
    odd = good.document("kube-proxy", "config", lambda _: {"metricsBindAddress": "all"})
    listed = good.document("kubelet", "config", lambda _: {"featureGates": [1]})
    wrong = listed(odd(good.worker()))
    found = report([cluster(machines=(ReadMachine("one-worker-0", wrong),))], ["4.2.11", "4.2.4"])
    (unreadable,) = found.unreadable
    assert "its facts are malformed" in unreadable.reason and "4.2.11" in unreadable.reason
    assert [result.item for result in found.results] == ["4.2.4"]


def test_what_was_found_holds_nothing_that_a_terminal_obeys() -> None:
    spoiled = good.another_file("/etc/cni/net.d/a\x1b[2J\u2028b", 0o644)(good.control_plane())
    found = report([cluster(machines=(ReadMachine("one", spoiled),))], ["1.1.9"])
    assert "/etc/cni/net.d/a?[2J?b 644" in found.results[0].found


def test_only_the_chosen_items_are_judged() -> None:
    found = report([cluster()], ["1.2.15"])
    assert {result.item for result in found.results} == {"1.2.15"}
    assert found.clusters[0].passed == 1
    unreachable = report([cluster(facts=None, reason="unavailable")], ["1.2.15"])
    assert not unreachable.unreadable


def test_a_fleet_without_clusters_has_an_empty_report() -> None:
    assert report([]).results == ()


@pytest.mark.parametrize("lines", [[], ["path\t600\troot:root\tf\t/a"], ["complete", "unit\t/a"]])
def test_an_incomplete_response_is_not_judged(lines: list[str]) -> None:
    with pytest.raises(NotKnown, match="incomplete"):
        parse(lines, is_control_plane=False)
