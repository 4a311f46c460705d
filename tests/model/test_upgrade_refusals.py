"""Invalid orders of upgrades: path and message of each problem."""

from typing import Any

import pytest

from tests.model.examples import CONTAINER
from tests.model.refusals import Case, check_refused, problems

WHERE = "upgrades.canaries"
TOKYO, OSAKA = {"region": "tokyo"}, {"region": "osaka"}


def canaries(value: object) -> list[tuple[str, Any]]:
    return [("upgrades", {"canaries": value})]


CASES: dict[str, Case] = {
    "none at a time": (
        [("upgrades", {"maxUnavailable": 0})], "upgrades.maxUnavailable", "worker could be updated",
    ),
    "no percent at a time": (
        [("upgrades", {"maxUnavailable": "0%"})],
        "upgrades.maxUnavailable", "worker could be updated",
    ),
    "more than all": (
        [("upgrades", {"maxUnavailable": "101%"})], "upgrades.maxUnavailable", "more than 100%",
    ),
    "less than none": (
        [("upgrades", {"maxUnavailable": -1})], "upgrades.maxUnavailable", "out of range",
    ),
    "a number as text": (
        [("clusters/cluster1/upgrades", {"maxUnavailable": "2"})],
        "clusters.cluster1.upgrades.maxUnavailable", "neither a number nor a percentage",
    ),
    "half a worker": (
        [("upgrades", {"maxUnavailable": 0.5})], "upgrades.maxUnavailable", "not a number",
    ),
    "a negative time": (
        [("upgrades", {"drainTimeout": -1})], "upgrades.drainTimeout", "not a duration",
    ),
    "no time to drain": (
        [("upgrades", {"drainTimeout": 0})], "upgrades.drainTimeout", "no Node could be drained",
    ),
    **{
        f"{given!r} as a round": (
            [("upgrades", {"securityUpdates": given})], "upgrades.securityUpdates", "a time"
        )
        for given in (
            "2026-11-26T21:40:00Z", "20261126", "20261399T000000Z", "20261126T214000Z\n",
            "$(touch x)", "\u0662\u0660261126T214000Z", "now", 20261126,
        )
    },
    "a time in weeks": ([("upgrades", {"soak": "1w"})], "upgrades.soak", "not a duration"),
    "a time that never ends": ([("upgrades", {"soak": "169h"})], "upgrades.soak", "than 7 days"),
    "force as text": ([("upgrades", {"force": "yes"})], "upgrades.force", "not true or false"),
    "waves of one cluster": (
        [("clusters/cluster1/upgrades", {"canaries": TOKYO})],
        "clusters.cluster1.upgrades.canaries", "unknown key",
    ),
    "an unknown label": (
        canaries({"tier": "canary"}), f"{WHERE}.tier", "no cluster has the label tier=canary",
    ),
    "an unknown value": (
        canaries([{"environment": "staging"}]),
        f"{WHERE}[0].environment", "no cluster has the label environment=staging",
    ),
    "labels that no cluster has together": (
        [("clusters/cluster2/labels", {"environment": "test"}),
         *canaries({"environment": "test", "region": "tokyo"})],
        WHERE, "but none meets all of them",
    ),
    "a wave whose clusters are in earlier ones": (
        canaries([{"environment": "dev"}, TOKYO]), f"{WHERE}[1]", "is in an earlier wave",
    ),
    "the same wave twice": (canaries([OSAKA, OSAKA]), f"{WHERE}[1]", "is in an earlier wave"),
    "a selector of everything": (canaries([{}]), f"{WHERE}[0]", "matches every cluster"),
    "a selector of everything, alone": (canaries({}), WHERE, "matches every cluster"),
    "a selector in Kubernetes' words": (
        canaries({"matchLabels": TOKYO}), f"{WHERE}.matchLabels", "not a label value",
    ),
    "a text that is no selector": (canaries("region=tokyo,"), WHERE, "expected a label key"),
    "texts that are no selectors": (
        canaries(["region=osaka", "region>tokyo"]), f"{WHERE}[1]", "expected one of =",
    ),
    "a number as a selector": (canaries(1), WHERE, "not a label selector"),
    "a text of an unknown value": (
        canaries("environment in (staging,test)"),
        WHERE, "no cluster has labels that meet environment in (staging,test)",
    ),
    "a text of an unknown label": (
        canaries(["region=osaka,tier"]), f"{WHERE}[0]", "no cluster has labels that meet tier",
    ),
    "a text that contradicts itself": (
        canaries("region=osaka,region=tokyo"), WHERE, "but none meets all of them",
    ),
    "a text that matches everything": (canaries(""), WHERE, "matches every cluster"),
    "a text of an earlier wave": (
        canaries([{"environment": "dev"}, "region notin (osaka)"]),
        f"{WHERE}[1]", "is in an earlier wave",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_config_is_rejected_with_exactly_this_problem(case: Case) -> None:
    check_refused(CONTAINER, case)


def test_a_selector_without_match_lists_the_existing_labels() -> None:
    (problem,) = problems({**CONTAINER, "upgrades": {"canaries": {"environment": "staging"}}})
    assert problem.allowed == (
        "labels of clusters that are not in an earlier wave: "
        "environment=dev, region=tokyo, region=osaka"
    )
    assert problem.example == "canaries: {environment: dev}"


def test_selectors_are_not_checked_against_invalid_labels() -> None:
    labels = {"environment": "dev", "tier": "can ary"}
    clusters = {"cluster1": {"machines": {"subnet": "10.89.1.0/24"}, "labels": labels}}
    (problem,) = problems({"clusters": clusters, "upgrades": {"canaries": {"tier": "canary"}}})
    assert problem.path.endswith("cluster1.labels.tier")


def test_a_text_that_is_no_selector_is_answered_with_one_to_write() -> None:
    (problem,) = problems({**CONTAINER, "upgrades": {"canaries": "region=tokyo,"}})
    assert problem.problem == "not a label selector: expected a label key, got the end"
    assert problem.allowed == "a label selector in kubectl's form, or a mapping of labels"
    assert problem.example == "environment in (test,staging)"
