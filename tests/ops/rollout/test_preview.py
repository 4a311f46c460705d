"""The plan in a preview."""

from typing import Any

import pytest

from ops.rollout.cluster_change import ClusterChange
from ops.rollout.preview import drains
from tests.ops.rollout.examples import CLUSTER, KUBELET, inputs, plan, with_parts


def changed(**changes: Any) -> dict[str, str]:
    """What is planned for a change of the inputs."""
    return plan(inputs(), inputs(**changes), {})


def test_nothing_is_planned_for_no_change() -> None:
    assert changed() == {}


def test_upgrade_plan_names_every_machine_and_its_disruption() -> None:
    planned = changed(version="v1.37.2", cluster_document=CLUSTER.replace("1.36.3", "1.37.2"))
    assert len(planned) == 6
    assert planned["a-control-plane-1"] == (
        "upgraded from v1.36.3 to v1.37.2: drained, its control-plane pods and kubelet restarted, "
        "uncordoned when Ready"
    )
    assert planned["a-worker-2"] == (
        "upgraded from v1.36.3 to v1.37.2: drained, kubelet restarted, uncordoned when Ready"
    )


def of(*machines: str, worker_taints: tuple[str, ...] = ()) -> Any:
    """The inputs of a cluster of some of the machines."""
    props = inputs()
    props["machines"] = {name: props["machines"][name] for name in machines}
    props["machine_ids"] = {name: props["machine_ids"][name] for name in machines}
    for name in machines:
        if "worker" in name:
            props["machines"][name]["taints"] = list(worker_taints)
    return props


def upgraded(props: Any) -> dict[str, str]:
    planned = plan(props, props | {"version": "v1.37.2"}, {})
    begin = "upgraded from v1.36.3 to v1.37.2: "
    assert all(text.startswith(begin) for text in planned.values())
    return {name.removeprefix("a-"): text.removeprefix(begin) for name, text in planned.items()}


def test_upgrade_plan_of_a_single_machine_keeps_its_pods() -> None:
    assert upgraded(of("a-control-plane-0")) == {
        "control-plane-0": "not drained, as there is no other machine: its pods stay and keep "
        "running; its control-plane pods and kubelet restarted (the API is unavailable for about "
        "20 s), uncordoned when Ready"
    }


def test_a_change_of_the_only_control_plane_says_how_long_the_api_is_unavailable() -> None:
    props = of("a-control-plane-0", "a-worker-0")
    other = props | {"cluster_document": CLUSTER.replace("false", "true")}
    assert plan(props, other, {}) == {
        "a-control-plane-0": "new settings (apiServer.extraArgs.profiling): kube-apiserver "
        "restarted, one machine at a time (the API is unavailable for about 10 s)"
    }


@pytest.mark.parametrize(
    ("section", "restarted"),
    [
        ("controllerManager", "kube-controller-manager restarted, one machine at a time"),
        ("etcd", "etcd restarted, one machine at a time (the API is unavailable for about 10 s)"),
        (
            "networking",
            "its control-plane pods restarted, one machine at a time (the API is unavailable for "
            "about 10 s)",
        ),
    ],
)
def test_a_change_names_the_pods_that_it_restarts(section: str, restarted: str) -> None:
    props = of("a-control-plane-0", "a-worker-0")
    other = props | {"cluster_document": f"{CLUSTER}{section}:\n  some: value\n"}
    assert plan(props, other, {})["a-control-plane-0"] == (
        f"new settings ({section}.some): {restarted}"
    )


def test_upgrade_plan_keeps_pods_without_another_machine() -> None:
    props = of("a-control-plane-0", "a-worker-0", worker_taints=("gpu=yes:NoSchedule",))
    stay = "drained, except for pods that no other machine can take, which stay and keep running; "
    planned = upgraded(props)
    assert planned["control-plane-0"].startswith(stay)
    assert planned["worker-0"] == f"{stay}kubelet restarted, uncordoned when Ready"


@pytest.mark.parametrize("taints", [(), ("gpu=yes:NoExecute",), ("gpu=yes:PreferNoSchedule",)])
def test_upgrade_plan_drains_similar_machines(taints: tuple[str, ...]) -> None:
    planned = upgraded(of("a-worker-0", "a-worker-1", worker_taints=taints))
    assert set(planned.values()) == {"drained, kubelet restarted, uncordoned when Ready"}


def test_an_untainted_worker_takes_pods_of_a_control_plane() -> None:
    planned = upgraded(of("a-control-plane-0", "a-worker-0"))
    assert planned["control-plane-0"].startswith("drained, its control-plane pods and kubelet")
    assert planned["worker-0"].startswith("drained, except for pods that no other machine")


@pytest.mark.parametrize(
    ("names", "how"),
    [
        (["a-worker-0", "a-worker-1"], "drained, "),
        (["a-worker-0"], "drained, pods that no other machine can take deleted; "),
        ([], "not drained, as there is no other machine: its pods are deleted and created again; "),
    ],
)
def test_no_pod_keeps_the_former_pod_network(names: list[str], how: str) -> None:
    olds = of("a-control-plane-0", *names)
    news = olds | {"plugin": "canal"}
    machine = names[0] if names else "a-control-plane-0"
    assert plan(olds, news, {})[machine] == (
        "pods connected by canal instead of flannel: "
        f"{how}pod network reset, kubelet restarted, uncordoned when Ready"
    )
    gone = drains(ClusterChange.of(olds, news), {})
    assert gone == dict.fromkeys(olds["machines"], True)
    upgrade = ClusterChange.of(olds, olds | {"version": "v1.37.2"})
    assert drains(upgrade, {}) == dict.fromkeys(olds["machines"], False)


def test_removal_and_replacement_name_the_deleted_pods() -> None:
    olds = of("a-control-plane-0", "a-worker-0")
    assert plan(olds, of("a-control-plane-0"), {}) == {
        "a-worker-0": "removed: drained, pods that no other machine can take deleted, its Node "
        "deleted"
    }
    others = of("a-control-plane-0", "a-worker-0")
    others["machine_ids"]["a-worker-0"] = "another"
    assert plan(olds, others, {}) == {
        "a-worker-0": "replaced: drained, pods that no other machine can take deleted, its Node "
        "deleted; another machine joins in its place"
    }
    others["machine_ids"] = {**olds["machine_ids"], "a-control-plane-0": "another"}
    assert plan(olds, others, {}) == {
        "a-control-plane-0": "replaced: another machine joins in its place"
    }, "the only control plane does not leave: its cluster ends with it"


def test_control_plane_setting_touches_control_planes_only() -> None:
    planned = changed(cluster_document=CLUSTER.replace("false", "true"))
    assert list(planned) == ["a-control-plane-0", "a-control-plane-1", "a-control-plane-2"]
    assert planned["a-control-plane-0"] == (
        "new settings (apiServer.extraArgs.profiling): kube-apiserver restarted, one machine at a "
        "time"
    )


def test_kubelet_setting_touches_all() -> None:
    planned = changed(kubelet_document=KUBELET.replace("110", "50"))
    assert len(planned) == 6
    sentence = "new kubelet settings (maxPods): kubelet restarted, pods keep running"
    assert set(planned.values()) == {sentence}


def test_proxy_changes_are_planned_for_running_machines() -> None:
    how = "the proxy changed: containerd restarted, containers keep running"
    proxied = with_parts(proxy="p2")
    assert plan(inputs(), proxied, {}) == dict.fromkeys(inputs()["machines"], how)
    assert plan(proxied, inputs(), {}) == dict.fromkeys(inputs()["machines"], how)
    both = with_parts(proxy="p2", mirrors="m2")
    assert set(plan(inputs(), both, {}).values()) == {
        f"the registry mirrors changed: in place; {how}"
    }


def test_each_part_of_the_files_is_planned_with_its_effect() -> None:
    worker = plan(inputs(), with_parts(containerd="2", proxy="2", kernel="2", kubelet="2"), {})
    assert worker["a-worker-0"].split("; ") == [
        "the kernel settings changed: loaded, nothing restarted",
        "containerd's configuration changed, the proxy changed: containerd restarted, containers "
        "keep running",
        "the kubelet's unit changed: kubelet restarted, pods keep running",
    ]
    planes = plan(inputs(), with_parts("control-plane", kubeadm="2", load_balancer="2"), {})
    assert planes == dict.fromkeys(
        (f"a-control-plane-{index}" for index in range(3)),
        "kubeadm's configuration changed: in place; the load balancer's configuration changed: "
        "reloaded, connections stay open, one machine at a time",
    )


def test_changed_patches_are_planned_for_control_planes() -> None:
    planned = changed(patches="p2")
    assert list(planned) == [f"a-control-plane-{index}" for index in range(3)]
    assert planned["a-control-plane-0"].startswith("new settings (patches): its control-plane pods")


def test_labels_and_taints_are_set_in_place() -> None:
    machines = inputs()["machines"]
    machines["a-worker-1"] |= {"labels": {"disk": "ssd"}, "taints": ["gpu=yes:NoSchedule"]}
    assert changed(machines=machines) == {
        "a-worker-1": "label disk=ssd, taint gpu=yes:NoSchedule: in place"
    }


def test_added_replaced_and_removed_machines_are_listed() -> None:
    props = inputs()
    props["machines"]["a-worker-3"] = props["machines"].pop("a-worker-2")
    props["machine_ids"] |= {"a-worker-3": "another", "a-control-plane-0": "another"}
    planned = plan(inputs(), props, {})
    assert planned == {
        "a-control-plane-0": "replaced: drained, its Node deleted, its etcd member removed; "
        "another machine joins in its place",
        "a-worker-3": "added: a new machine joins",
        "a-worker-2": "removed: drained, its Node deleted",
    }


def test_workers_that_are_replaced_together_are_replaced_in_turns() -> None:
    ids = {**inputs()["machine_ids"], "a-worker-0": "x", "a-worker-2": "y"}
    planned = changed(machine_ids=ids)
    for name in ("a-worker-0", "a-worker-2"):
        assert planned[name].endswith("; 2 are replaced, at most maxUnavailable at a time")


def test_drift_repairs_give_the_reason() -> None:
    drift = {
        "a-worker-0": [
            {"kind": "repair", "why": "kubelet is inactive"},
            {"kind": "metadata", "why": "label disk=ssd is missing"},
        ]
    }
    assert plan(inputs(), inputs(), drift) == {
        "a-worker-0": "repaired because kubelet is inactive: in place, affected services "
        "restarted; repaired because label disk=ssd is missing: in place"
    }


def test_files_staged_for_an_upgrade_are_no_drift() -> None:
    drift = {"a-worker-0": [{"kind": "cleanup", "why": "v1.37.2 is staged but not needed"}]}
    assert plan(inputs(), inputs(), drift) == {
        "a-worker-0": "repaired because v1.37.2 is staged but not needed: removed, nothing "
        "restarted"
    }
    upgraded = plan(inputs(), inputs(version="v1.37.2"), drift)
    assert "staged" not in upgraded["a-worker-0"]


def test_images_of_a_new_choice_are_imported_on_every_machine() -> None:
    """A running cluster may choose metrics-server, and a former state says nothing of choices."""
    more = inputs(supplements=["calico", "metrics-server"])
    former = inputs()
    del former["supplements"]
    for before in (inputs(), former):
        shown = plan(before, more, {})
        assert set(shown) == set(more["machines"])
        assert set(shown.values()) == {
            "images of metrics-server are missing: imported, nothing restarted"
        }
    assert plan(former, inputs(), {}) == {}
    assert plan(more, inputs(), {}) == {}, "what is no longer needed stays"
