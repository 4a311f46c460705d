"""The actions that follow from the observed and the desired state of a machine."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from model.render import machine_files
from ops.rollout import file_rows, node_rows, setting_rows, version_rows
from ops.rollout.action_kind import Action, ActionKind
from ops.rollout.diff import required_actions
from ops.rollout.observed import AppliedState, ObservedMachine, parse
from tests.ops.rollout.examples import FILE, found, wanted

WORKER = wanted()
PLANE = wanted("a-control-plane-0")
ROWS = {
    "kernel": file_rows.KERNEL,
    "containerd": file_rows.CONTAINER_RUNTIME,
    "proxy": file_rows.CONTAINER_RUNTIME,
    "mirrors": file_rows.MIRRORS,
    "kubelet": file_rows.KUBELET_UNIT,
    "kubelet-patch": file_rows.KUBELET_PATCH,
    "kubeadm": file_rows.KUBEADM,
    "authentication": file_rows.AUTHENTICATION,
    "components": file_rows.COMPONENTS,
    "load-balancer": file_rows.LOAD_BALANCER,
    "renewal": file_rows.RENEWAL,
    "drift": file_rows.DRIFT,
    "update-policy": file_rows.UPDATE_POLICY,
}


def kinds(one: ObservedMachine, like: Any = WORKER) -> list[ActionKind]:
    """What must be done."""
    return [each.kind for each in required_actions(one, like)]


@pytest.mark.parametrize("like", [WORKER, PLANE])
def test_a_machine_in_its_desired_state_needs_nothing(like: Any) -> None:
    assert required_actions(found(like), like) == []


def test_an_unreachable_machine_is_never_mistaken_for_another() -> None:
    assert required_actions(ObservedMachine(unreachable="no route to host"), WORKER) == []


def test_another_version_is_an_upgrade() -> None:
    assert kinds(found(WORKER), wanted(version="v1.37.2")) == [version_rows.UPGRADE]


def test_a_replaced_binary_is_repaired_without_a_drain() -> None:
    assert kinds(found(WORKER, version="v1.35.4")) == [node_rows.REPAIR]


def test_edited_and_deleted_files_are_named() -> None:
    edited, deleted = found(WORKER, files={FILE: "two"}), found(WORKER, files={FILE: "missing"})
    assert [each.why for each in required_actions(edited, WORKER)] == [f"{FILE} was changed"]
    assert [each.why for each in required_actions(deleted, WORKER)] == [f"{FILE} is gone"]


def test_files_that_others_may_read_are_named_together() -> None:
    exposed = {"/b": "mode 644 instead of 600", "/a": "mode 644 instead of 600", "/c": "owner x"}
    (first, second) = required_actions(found(WORKER, exposed=exposed), WORKER)
    assert first.kind == second.kind == file_rows.PERMISSIONS
    assert [first.why, second.why] == ["/a, /b: mode 644 instead of 600", "/c: owner x"]


def test_stopped_kubelet_is_repaired() -> None:
    stopped = found(WORKER, services={"containerd": "active", "kubelet": "inactive"})
    assert [each.why for each in required_actions(stopped, WORKER)] == ["kubelet is inactive"]


def test_what_is_crash_looping_is_repaired_and_says_why() -> None:
    services = {"containerd": "active", "kubelet": "crash-looping"}
    crashes = {"kubelet": "unknown field: maxPod", "kube-apiserver": "unknown flag: --such"}
    one = found(PLANE, services=services, crashes=crashes)
    assert [each.why for each in required_actions(one, PLANE)] == [
        "kubelet is crash-looping: unknown field: maxPod",
        "kube-apiserver is crash-looping: unknown flag: --such",
    ]


def test_a_service_that_never_ran_is_not_missed() -> None:
    services = {"containerd": "active", "kubelet": "active", "keepalived": "inactive"}
    assert kinds(found(WORKER, services=services)) == []


def test_settings_apply_to_the_machines_that_use_them() -> None:
    other = "kind: ClusterConfiguration\n"
    assert kinds(found(PLANE), wanted(PLANE.name, cluster_document=other)) == [
        setting_rows.CONTROL_PLANE
    ]
    assert kinds(found(WORKER), wanted(cluster_document=other)) == []
    assert kinds(found(WORKER), wanted(kubelet_document="maxPods: 50")) == [setting_rows.KUBELET]


def test_every_part_of_the_files_has_a_row() -> None:
    assert set(ROWS) == set(machine_files.PARTS)


@pytest.mark.parametrize(("part", "kind"), ROWS.items())
def test_files_are_applied_until_they_were_put_to_use(part: str, kind: ActionKind) -> None:
    """Also where they are new, where a run was killed, and where the config no longer has them."""
    other = replace(PLANE, parts={**PLANE.parts, part: "other"})
    without = replace(
        PLANE, parts={name: digest for name, digest in PLANE.parts.items() if name != part}
    )
    for like, one in (
        (other, found(PLANE)),
        (other, found(without)),
        (other, found(other, parts={**other.parts, part: "pending"})),
        (without, found(other)),
        (without, found(other, parts={**other.parts, part: "pending"})),
    ):
        assert kinds(one, like) == [kind]
    assert kinds(found(other), other) == kinds(found(without), without) == []


def test_a_machine_without_applied_state_gets_its_settings() -> None:
    assert kinds(found(PLANE, applied=AppliedState()), PLANE) == [
        setting_rows.CONTROL_PLANE,
        setting_rows.KUBELET,
    ]


def test_an_interrupted_change_is_completed() -> None:
    one = found(WORKER, is_interrupted=True, files={FILE: "two"})
    assert kinds(one) == [node_rows.REPAIR]


def test_leftovers_of_other_versions_are_cleaned() -> None:
    left = found(WORKER, staged=("v1.35.9", WORKER.version), cleanup_pending=True)
    assert [each.why for each in required_actions(left, WORKER)] == [
        "v1.35.9 is staged but not needed",
        "files of its former version still exist",
    ]
    assert set(kinds(left)) == {version_rows.CLEANUP}


def test_files_staged_for_an_upgrade_are_not_cleaned() -> None:
    staged = found(WORKER, staged=("v1.37.2",), cleanup_pending=True)
    assert kinds(staged, wanted(version="v1.37.2")) == [version_rows.UPGRADE]


def test_a_missing_node_registers_again() -> None:
    assert kinds(found(WORKER, node=None)) == [node_rows.REGISTER]


def with_node(one: ObservedMachine, **required_actions: Any) -> ObservedMachine:
    assert one.node is not None
    return replace(one, node=replace(one.node, **required_actions))


def test_the_pod_network_of_a_former_registration_is_recreated() -> None:
    one = with_node(found(WORKER, bridge="10.244.2.1/24"), pod_cidr="10.244.5.0/24")
    assert required_actions(one, WORKER) == [
        Action(
            node_rows.REGISTER,
            "its pod network is that of a former registration: its pods have 10.244.2.1/24, "
            "the Node's share is 10.244.5.0/24",
        )
    ]


@pytest.mark.parametrize(("known", "said"), [("", "does not say so"), ("aa:02", "says aa:02")])
def test_a_node_with_outdated_peers_is_announced_again(known: str, said: str) -> None:
    one = with_node(found(WORKER, vtep="aa:01"), vtep=known)
    (change,) = required_actions(one, WORKER)
    assert change.kind == node_rows.REGISTER
    assert change.why.endswith(f"flannel.1 has aa:01, the Node {said}")


@pytest.mark.parametrize(
    ("machine", "node"),
    [
        ({"bridge": "10.244.5.1/24"}, {"pod_cidr": "10.244.5.0/24"}),
        ({"vtep": "aa:01"}, {"vtep": "aa:01"}),
        ({}, {"pod_cidr": "10.244.5.0/24", "vtep": "aa:01"}),
        ({"bridge": "10.244.5.1/24"}, {}),
    ],
)  # fmt: skip
def test_a_matching_or_missing_pod_network_is_left_alone(
    machine: dict[str, str], node: dict[str, str]
) -> None:
    assert kinds(with_node(found(WORKER, **machine), **node)) == []


def test_a_node_whose_pods_another_plugin_connects_is_changed() -> None:
    (change,) = required_actions(found(WORKER), wanted(plugin="canal"))
    assert change.kind == node_rows.POD_NETWORK
    assert change.why == "its pods are connected by flannel instead of canal"


@pytest.mark.parametrize(("here", "there"), [("", "canal"), ("canal", ""), ("canal", "canal")])
def test_a_plugin_that_is_not_known_is_left_alone(here: str, there: str) -> None:
    """A Node gets its configuration a moment after it was registered."""
    assert required_actions(found(WORKER, plugin=here), wanted(plugin=there)) == []


def test_an_interrupted_registration_is_completed() -> None:
    assert kinds(found(WORKER, is_registering=True)) == [node_rows.REGISTER]


def test_nodes_are_unknown_while_the_api_is_unavailable() -> None:
    assert kinds(found(WORKER, node=None, api_answers=False)) == []


def test_only_our_labels_and_taints_are_removed() -> None:
    one = found(WORKER)
    assert one.node is not None
    node = replace(one.node, labels={"ours": "1", "theirs": "2"}, our_labels=("ours",))
    assert [each.why for each in required_actions(replace(one, node=node), WORKER)] == [
        "label ours is no longer configured"
    ]


def test_node_facts_are_parsed() -> None:
    one = parse(
        [
            "applied:version\tv1.36.3",
            "applied:kubelet\tabc",
            "applied:service:kubelet\tactive",
            "crash:kubelet\tunknown field: maxPod",
            f"applied:file:{FILE}\tone",
            "member\tfingerprint id",
            "arch\tx86_64",
            "kubelet\tv1.36.3",
            "interrupted\tno",
            "staged\tv1.37.2 ",
            "cleanup_pending\tyes",
            "registering\tyes",
            "credentials\tmissing",
            "serving_key\t",
            "client_authorities\tmissing",
            "api_server_secrets\tx1",
            "trust\tt1",
            "kubelet_ca\tw1",
            "bridge\t10.244.2.1/24",
            "plugin\tcanal",
            "vtep\taa:01",
            "patched\t20261126T214000Z",
            "service:kubelet\tactive",
            f"file:{FILE}\ttwo",
            "part:proxy\tpending",
            "image:registry.k8s.io/pause:3\tmissing abc",
            "image:ghcr.io/flannel:1\tunpinned ",
            "complete\tyes",
        ]
    )
    assert one.is_member
    assert one.files == {FILE: "two"}
    assert one.parts == {"proxy": "pending"}
    assert one.crashes == {"kubelet": "unknown field: maxPod"}
    assert one.images == {"registry.k8s.io/pause:3": "missing", "ghcr.io/flannel:1": "unpinned"}
    assert (one.missing_archives, one.arch) == (("abc",), "amd64")
    assert (one.staged, one.cleanup_pending) == (("v1.37.2",), True)
    assert one.patched == "20261126T214000Z"
    assert (one.is_registering, one.bridge, one.vtep) == (True, "10.244.2.1/24", "aa:01")
    assert one.plugin == "canal"
    assert one.applied == AppliedState("v1.36.3", "", "abc", {"kubelet": "active"}, {FILE: "one"})


def test_truncated_node_facts_are_rejected() -> None:
    assert parse(["kubelet\tv1.36.3"]).unreachable


def test_damaged_images_are_restored_before_anything_is_upgraded() -> None:
    damaged = found(WORKER, images={"b/two:1": "missing", "a/one:1": "missing", "c": "unpinned"})
    assert [(each.kind, each.why) for each in required_actions(damaged, WORKER)] == [
        (version_rows.IMAGES, "images are missing: a/one:1, b/two:1"),
        (version_rows.IMAGES, "images are unpinned: c"),
    ]
    assert kinds(damaged, wanted(version="v1.37.2"))[-1] == version_rows.UPGRADE


def test_other_credentials_of_mirrors_are_applied_with_the_mirrors() -> None:
    secret = "docker.io\tcm9ib3Q6c2VjcmV0\n"
    desired = wanted(mirror_credentials=secret)
    assert secret.strip() not in repr(desired)
    assert [(each.kind, each.why) for each in required_actions(found(WORKER), desired)] == [
        (file_rows.MIRRORS, "the credentials of the registry mirrors changed")
    ]
    applied = found(WORKER, credentials=hashlib.sha256(secret.encode()).hexdigest())
    assert required_actions(applied, desired) == []
    assert kinds(applied) == [file_rows.MIRRORS]
