"""Which Nodes can take a pod."""

from typing import Any

import pytest

from ops.kube.placement import obstacle, obstacles

POD: dict[str, Any] = {"spec": {}}


def node(name: str = "a", ready: str = "True", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"disk": "ssd", "cores": "8"}},
        "spec": spec,
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def tainted(effect: str, **more: str) -> dict[str, Any]:
    return node(taints=[{"key": "gpu", "effect": effect, **more}])


def tolerating(**toleration: Any) -> dict[str, Any]:
    return {"spec": {"tolerations": [{"key": "other", "operator": "Exists"}, toleration]}}


def bound(*terms: dict[str, Any]) -> dict[str, Any]:
    required = {"nodeSelectorTerms": list(terms)}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    return {"spec": {"affinity": affinity}}


def asks(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


@pytest.mark.parametrize(
    ("there", "why"),
    [
        (node(), ""),
        (node(ready="False"), "is not Ready"),
        (node(ready="Unknown"), "is not Ready"),
        ({"metadata": {"name": "a"}, "spec": {}}, "is not Ready"),
        (node(unschedulable=True), "is cordoned"),
        (tainted("NoSchedule"), "has the taint gpu:NoSchedule"),
        (tainted("NoExecute", value="yes"), "has the taint gpu=yes:NoExecute"),
        (tainted("PreferNoSchedule"), ""),
    ],
)
def test_obstacles_for_ordinary_pods(there: dict[str, Any], why: str) -> None:
    assert obstacle(POD, there) == why


def test_node_that_was_just_uncordoned_can_take_pods() -> None:
    """The controller removes these taints with a delay."""
    keys = ("node.kubernetes.io/unschedulable", "node.kubernetes.io/not-ready")
    taints = [{"key": key, "effect": "NoSchedule"} for key in keys]
    assert obstacle(POD, node(taints=taints)) == ""
    full = {"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}
    assert "disk-pressure" in obstacle(POD, node(taints=[*taints, full]))


@pytest.mark.parametrize(
    ("toleration", "tolerated"),
    [
        ({"operator": "Exists"}, True),
        ({"operator": "Exists", "effect": "NoSchedule"}, True),
        ({"operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "gpu", "operator": "Exists"}, True),
        ({"key": "cpu", "operator": "Exists"}, False),
        ({"key": "gpu", "operator": "Equal", "value": "yes"}, True),
        ({"key": "gpu", "value": "yes", "effect": "NoSchedule"}, True),
        ({"key": "gpu", "value": "no"}, False),
        ({"key": "gpu"}, False),
        ({"key": "gpu", "operator": "Gt", "value": "1"}, False),
    ],
)
def test_tolerations(toleration: dict[str, Any], tolerated: bool) -> None:
    why = obstacle(tolerating(**toleration), tainted("NoSchedule", value="yes"))
    assert why == ("" if tolerated else "has the taint gpu=yes:NoSchedule")


def test_every_hard_taint_must_be_tolerated() -> None:
    two = node(taints=[{"key": "gpu", "effect": effect} for effect in ("NoSchedule", "NoExecute")])
    assert (
        obstacle(tolerating(key="gpu", effect="NoSchedule"), two) == "has the taint gpu:NoExecute"
    )


@pytest.mark.parametrize(
    ("selector", "why"),
    [
        ({"disk": "ssd"}, ""),
        ({"disk": "hdd"}, "does not match its nodeSelector"),
        ({"disk": "ssd", "zone": "a"}, "does not match its nodeSelector"),
    ],
)
def test_node_selector(selector: dict[str, str], why: str) -> None:
    assert obstacle({"spec": {"nodeSelector": selector}}, node()) == why


@pytest.mark.parametrize(
    ("requirement", "matching"),
    [
        (asks("disk", "In", "ssd", "nvme"), True),
        (asks("disk", "In", "hdd"), False),
        (asks("zone", "In", "a"), False),
        (asks("disk", "NotIn", "hdd"), True),
        (asks("disk", "NotIn", "ssd"), False),
        (asks("zone", "NotIn", "a"), True),
        (asks("disk", "Exists"), True),
        (asks("zone", "Exists"), False),
        (asks("zone", "DoesNotExist"), True),
        (asks("disk", "DoesNotExist"), False),
        (asks("cores", "Gt", "7"), True),
        (asks("cores", "Gt", "8"), False),
        (asks("cores", "Lt", "10"), True),
        (asks("cores", "Lt", "8"), False),
        (asks("disk", "Gt", "1"), False),
        (asks("zone", "Lt", "1"), False),
    ],
)
def test_requirements_of_the_node_affinity(requirement: dict[str, Any], matching: bool) -> None:
    why = obstacle(bound({"matchExpressions": [requirement]}), node())
    assert why == ("" if matching else "does not match its node affinity")


@pytest.mark.parametrize(
    ("terms", "matching"),
    [
        ([{"matchFields": [asks("metadata.name", "In", "a")]}], True),
        ([{"matchFields": [asks("metadata.name", "In", "b")]}], False),
        ([{"matchFields": [asks("metadata.name", "NotIn", "b")]}], True),
        # All of a term, any of the terms, nothing for an empty one.
        ([{"matchExpressions": [asks("disk", "Exists"), asks("zone", "Exists")]}], False),
        ([{"matchExpressions": [asks("zone", "Exists")]},
          {"matchExpressions": [asks("disk", "Exists")]}], True),
        ([{}], False),
        ([], False),
    ],
)  # fmt: skip
def test_terms_of_the_node_affinity(terms: list[dict[str, Any]], matching: bool) -> None:
    assert (obstacle(bound(*terms), node()) == "") is matching


def test_preferred_affinity_is_no_obstacle() -> None:
    preferred = [{"weight": 1, "preference": {"matchExpressions": [asks("zone", "Exists")]}}]
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    assert obstacle({"spec": {"affinity": affinity}}, node()) == ""


def test_one_node_that_can_is_enough() -> None:
    assert obstacles(POD, [node("a", unschedulable=True), node("b")]) == ""


def test_obstacles_name_nodes_but_not_all_of_a_large_cluster() -> None:
    assert obstacles(POD, []) == "there is no other Node"
    many = [node(name, ready="False") for name in "abcde"]
    expected = "a is not Ready, b is not Ready, c is not Ready, 2 more"
    assert obstacles(POD, many) == expected
