"""Unsafe changes that a preview rejects."""

from typing import Any

import pytest
from pulumi.output import UNKNOWN

from components.providers.rollout import RolloutProvider
from ops.errors import OperatorError
from tests.ops.rollout.examples import CLUSTER, inputs


def diff(news: dict[str, Any], **outputs: Any) -> bool | None:
    """Whether the engine would update."""
    olds = {**inputs(), "found": {}, "rolled": "", "drift": {}, "unavailable": {}, **outputs}
    checked = RolloutProvider().check(olds, news).inputs
    return RolloutProvider().diff("", olds, checked).changes


def test_nothing_changed_is_no_change() -> None:
    assert diff(inputs()) is False


def test_plan_and_policy_alone_are_no_change() -> None:
    policy = {"max_unavailable": 3, "pool_limits": {}, "drain_seconds": 9, "force": True}
    assert diff(inputs(policy=policy, urn="another"), plan={"a": "something"}) is False


def test_drift_is_a_change() -> None:
    assert diff(inputs(), drift={"a-worker-0": [{"kind": "repair", "why": "it broke"}]}) is True


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        (
            "controlPlaneEndpoint: 10.0.0.9:8443",
            "endpoint is unset .* cannot be changed to 10.0.0.9:8443",
        ),
        ("networking: {podSubnet: 10.9.0.0/16}", "networking.podSubnet"),
        ("networking: {serviceSubnet: 10.9.0.0/16}", "networking.serviceSubnet"),
        ("networking: {dnsDomain: example.com}", "networking.dnsDomain"),
    ],
)
def test_immutable_settings_cannot_change(setting: str, name: str) -> None:
    with pytest.raises(OperatorError, match=f"cluster a: {name}"):
        diff(inputs(cluster_document=f"{CLUSTER}{setting}\n"))


@pytest.mark.parametrize("flags", ["[]", "[{name: v, value: '4'}]", "[{name: MASK, value: '24'}]"])
def test_nodes_keep_the_size_of_their_shares(flags: str) -> None:
    def document(flags: str) -> str:
        named = flags.replace("MASK", "node-cidr-mask-size-ipv4")
        return f"{CLUSTER}controllerManager: {{extraArgs: {named}}}\n"

    becomes = document("[{name: MASK, value: '25'}]")
    refusal = "cluster a: networking.nodeCidrMaskSize is 24 and cannot be changed to 25"
    with pytest.raises(OperatorError, match=refusal):
        diff(inputs(cluster_document=becomes), cluster_document=document(flags))
    assert diff(inputs(cluster_document=document("[{name: MASK, value: '24'}]"))) is True


def test_a_recreated_cluster_may_have_another_endpoint() -> None:
    olds, news = inputs(), inputs(cluster_document=f"{CLUSTER}controlPlaneEndpoint: a:1\n")
    for props, identity in ((olds, "old"), (news, "new")):
        props["machines"] = {"a-control-plane-0": props["machines"]["a-control-plane-0"]}
        props["machine_ids"] = {"a-control-plane-0": identity}
    before = {**olds, "found": {}, "rolled": "", "drift": {}, "unavailable": {}}
    assert RolloutProvider().diff("", before, {**news, "plan": {}}).changes is True


@pytest.mark.parametrize("version", ["v1.36.4", "v1.37.2"])
def test_next_version_is_a_change(version: str) -> None:
    assert diff(inputs(version=version)) is True


@pytest.mark.parametrize("version", ["v1.36.2", "v1.35.4"])
def test_downgrade_is_rejected(version: str) -> None:
    with pytest.raises(OperatorError, match="cluster a"):
        diff(inputs(version=version))


def test_skipped_minor_is_rejected() -> None:
    olds = {**inputs(version="v1.35.4"), "found": {}, "rolled": "", "drift": {}, "unavailable": {}}
    with pytest.raises(OperatorError, match="cluster a"):
        RolloutProvider().diff("", olds, {**inputs(version="v1.37.2"), "plan": {}})


def test_a_machine_joining_with_a_minor_upgrade_is_rejected() -> None:
    props = inputs(version="v1.37.2")
    props["machines"]["a-worker-3"] = props["machines"]["a-worker-2"]
    props["machine_ids"]["a-worker-3"] = "another"
    with pytest.raises(OperatorError, match="a-worker-3 would join"):
        diff(props)


def test_a_machine_may_join_with_a_patch_upgrade() -> None:
    props = inputs(version="v1.36.4")
    props["machines"]["a-worker-3"] = props["machines"]["a-worker-2"]
    props["machine_ids"]["a-worker-3"] = "another"
    assert diff(props) is True


def test_loss_of_quorum_is_rejected() -> None:
    props = inputs()
    for index in range(2):
        props["machine_ids"][f"a-control-plane-{index}"] = "another"
    with pytest.raises(OperatorError, match="etcd tolerates the failure of only 1"):
        diff(props)


def test_dead_control_plane_may_be_replaced() -> None:
    props = inputs()
    props["machine_ids"]["a-control-plane-0"] = "another"
    dead = {"reachable": False, "reason": "no route", "node": "not ready"}
    assert diff(props, found={"a-control-plane-0": dead}) is True
    with pytest.raises(OperatorError, match="a-control-plane-0, a-control-plane-1"):
        diff(props, found={"a-control-plane-1": dead})


def test_an_unknown_machine_id_is_another_machine() -> None:
    props = inputs()
    for index in range(2):
        props["machine_ids"][f"a-control-plane-{index}"] = UNKNOWN
    with pytest.raises(OperatorError, match="etcd tolerates the failure of only 1"):
        diff(props)


def test_machines_that_failed_are_no_loss_of_quorum() -> None:
    props = inputs()
    for index in range(2):
        del props["machine_ids"][f"a-control-plane-{index}"]
    assert diff(props) is True


def test_unsafe_changes_that_a_diff_missed_are_rejected_by_the_update() -> None:
    olds = {**inputs(), "found": {}, "rolled": "", "drift": {}, "unavailable": {}}
    unjudged = inputs(version=UNKNOWN)
    assert RolloutProvider().diff("", olds, unjudged).changes is True
    with pytest.raises(OperatorError, match="is older than"):
        RolloutProvider().update("", olds, inputs(version="v1.35.4"))
