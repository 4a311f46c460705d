"""Which resources a change of the config updates, replaces or deletes."""

from typing import Any

import pytest

from model.render import node_scripts
from tests.components.conftest import SSH_KEY, stack_config
from tests.components.graph import Graph
from tests.components.recorder import run
from tests.model.examples import changed

VIRTUAL = [
    ("clusters/cluster1/controlPlanes/count", 3),
    ("clusters/cluster1/endpoint", {"vip": "10.89.1.100:8443"}),
]
MACHINE = ["", "-join", "-membership", "-prepare"]
# What knows all machines of a cluster.
ALWAYS = {"cluster1-rollout", "cluster1-health"}


def of_machines(*names: str) -> set[str]:
    """Names of all resources of these machines."""
    return {f"{name}{step}" for name in names for step in MACHINE}


def change(before: Graph, stack: str, *changes: tuple[str, Any]) -> set[str]:
    """Names of what is new or different after a change of the stack's config."""
    secrets = {"sshPrivateKey": SSH_KEY} if stack == "prod" else {}
    return run(changed(stack_config(stack), *changes), before, secrets).changed_from(before)


def test_same_config_changes_nothing(dev: Graph, prod: Graph) -> None:
    assert change(dev, "dev") == set()
    assert change(prod, "prod") == set()


def test_an_added_worker_changes_only_itself_and_resources_that_list_all_machines(
    dev: Graph,
) -> None:
    touched = change(dev, "dev", ("clusters/cluster1/workers/count", 2))
    assert touched == of_machines("cluster1-worker-1") | ALWAYS


def test_a_removed_worker_changes_only_resources_that_list_all_machines(dev: Graph) -> None:
    touched = change(dev, "dev", ("clusters/cluster1/workers/count", 0))
    assert touched == ALWAYS


def test_an_added_cluster_changes_no_other(dev: Graph) -> None:
    another = {"machines": {"subnet": "10.89.3.0/24"}}
    touched = change(dev, "dev", ("clusters/cluster3", another))
    assert touched
    assert all(name.startswith("cluster3-") for name in touched)


def test_a_proxy_reaches_members_through_their_rollout_and_through_no_step(dev: Graph) -> None:
    touched = change(dev, "dev", ("clusters/cluster1/proxy", {"https": "http://192.0.2.1:3128"}))
    assert touched == {"cluster1-rollout"}


def test_cluster_labels_change_no_resource(dev: Graph) -> None:
    assert change(dev, "dev", ("clusters/cluster1/labels/region", "nagoya")) == set()


def test_a_replaced_host_runs_all_steps_of_joining_again(
    prod: Graph,
) -> None:
    path = "clusters/cluster1/workers/pools/general/hosts/rack2-a/address"
    secrets = {"sshPrivateKey": SSH_KEY}
    after = run(changed(stack_config("prod"), (path, "10.20.1.109")), prod, secrets)
    touched = of_machines("cluster1-rack2-a") | ALWAYS | {"cluster1-ports"}
    assert after.changed_from(prod) == touched
    for step in ("prepare", "join"):
        name = f"cluster1-rack2-a-{step}"
        assert after.one(name).inputs["trigger"] != prod.one(name).inputs["trigger"]


def test_a_virtual_address_changes_control_planes_only() -> None:
    before = run(changed(stack_config("dev"), *VIRTUAL))
    informed = {step.name for step in before.kinds("Step") if "VIP" in step.given["settings"]}
    assert informed == {f"cluster1-control-plane-{index}-prepare" for index in range(3)}


def test_another_set_of_control_planes_changes_the_remaining_ones() -> None:
    before = run(changed(stack_config("dev"), *VIRTUAL))
    more = (*VIRTUAL, ("clusters/cluster1/controlPlanes/count", 5))
    touched = run(changed(stack_config("dev"), *more), before).changed_from(before)
    informed = {
        f"cluster1-control-plane-{index}-{step}"
        for index in range(3)
        for step in ("prepare", "membership")
    }
    new = of_machines("cluster1-control-plane-3", "cluster1-control-plane-4")
    assert touched == informed | new | ALWAYS | {"cluster1-initialization"}


def test_steps_and_membership_carry_the_machines_id(graph: Graph) -> None:
    for machine in graph.kinds("machine:Machine"):
        identity = graph.one(machine.name).outputs["machine_id"]
        for step in ("prepare", "join"):
            ran = graph.one(f"{machine.name}-{step}")
            assert ran.inputs["trigger"] == ran.given["settings"]["MACHINE_ID"] == identity
        assert graph.one(f"{machine.name}-membership").inputs["machine_id"] == identity


def test_resources_in_a_cluster_are_deleted_with_its_authority(graph: Graph) -> None:
    for kind in ("Membership", "Manifests"):
        for each in graph.kinds(kind):
            cluster = graph.above(each)[-2].name
            assert each.deleted_with == graph.one(f"{cluster}-ca").urn


def test_preparation_is_deleted_with_its_machine(graph: Graph) -> None:
    for machine in graph.kinds("machine:Machine"):
        prepared = graph.one(f"{machine.name}-prepare")
        assert prepared.deleted_with == graph.one(machine.name).urn


def test_machines_and_authorities_of_prod_are_protected(prod: Graph) -> None:
    protected = {each.name for each in prod if each.protect}
    trust = {"ca", "encryption", "etcd-ca", "front-proxy-ca", "service-account"}
    wanted = {f"{cluster}-{each}" for cluster in ("cluster1", "cluster2") for each in trust}
    assert protected == wanted | {each.name for each in prod.kinds("machine:Machine")}


def test_no_resource_of_dev_is_protected(dev: Graph) -> None:
    assert not [each.name for each in dev if each.protect]


def test_only_the_init_step_can_initialize(graph: Graph) -> None:
    founding = [
        step.name
        for step in graph.kinds("Step")
        # Its phases issue certificates, which a machine that joins does too.
        if "kubeadm init --config" in node_scripts.source(step.given["script"])
    ]
    assert sorted(founding) == ["cluster1-init", "cluster2-init"]


def test_an_initialization_is_that_of_the_machine_on_which_it_runs(prod: Graph) -> None:
    """With another ID, one control plane could not become three: its data would count as lost."""
    for name in ("cluster1", "cluster2"):
        initialization = prod.one(f"{name}-initialization").inputs
        settings = prod.one(f"{name}-init").given["settings"]
        assert settings["NODE_NAME"] == initialization["nodes"][0]
        assert settings["MACHINE_ID"] == initialization["first"]


def test_another_first_control_plane_joins_and_initializes_nothing(prod: Graph) -> None:
    path = "clusters/cluster1/controlPlanes/hosts/cp-a/address"
    touched = change(prod, "prod", (path, "10.20.1.19"))
    noted = {"cluster1-ports", "cluster1-initialization"}
    assert touched == of_machines("cluster1-cp-a") | ALWAYS | noted


def test_settings_used_while_joining_do_not_change_members(prod: Graph) -> None:
    path = "clusters/cluster1/networking/dnsDomain"
    touched = change(prod, "prod", (path, "tokyo.example.com"))
    assert not [name for name in touched if name.endswith(("-join", "-init"))]


def test_workers_get_no_key_of_the_cluster(graph: Graph) -> None:
    for step in graph.kinds("Step"):
        if any(part in step.name for part in ("-worker-", "-rack")) or step.name.endswith(
            "-prepare"
        ):
            for authority in (
                *graph.kinds("CertificateAuthority"),
                *graph.kinds("ServiceAccountKey"),
            ):
                assert authority.outputs["private_key"] not in step.given["settings"].values()


def test_the_rollout_contains_the_desired_state_of_every_machine(graph: Graph) -> None:
    for rollout in graph.kinds("Rollout"):
        names = {
            each.name
            for each in graph.kinds("machine:Machine")
            if graph.above(each)[-2].name == rollout.inputs["cluster"]
        }
        for key in ("machines", "machine_ids", "logins"):
            assert set(rollout.inputs[key]) == names
        for name in names:
            identity = graph.one(name).outputs["machine_id"]
            assert rollout.inputs["machine_ids"][name] == identity
            files = rollout.inputs["machines"][name]["files"]
            assert files["table"] == graph.one(name).inputs["files"]
            assert set(files["parts"]) >= {"containerd", "kernel", "kubelet"}


def test_the_step_of_a_host_that_got_nothing_stays_the_same(prod: Graph) -> None:
    """Its provider keeps the former version and artifacts while the host is unreachable."""
    hosts = prod.kinds("ExistingHost")
    former = {"kubernetes_version": hosts[0].outputs["kubernetes_version"]}
    newer = changed(stack_config("prod"), ("kubernetesVersion", "1.37.2"))

    def settings(graph: Graph) -> list[dict[str, str]]:
        # The recorder makes up an ID of all inputs; a real host keeps its own.
        found = [graph.one(f"{host.name}-prepare").given["settings"] for host in hosts]
        return [{**settings, "MACHINE_ID": ""} for settings in found]

    secrets = {"sshPrivateKey": SSH_KEY}
    assert settings(run(newer, prod, secrets, {"ExistingHost": former})) == settings(prod)
    for was, now in zip(settings(prod), settings(run(newer, prod, secrets)), strict=True):
        assert was != now


def test_a_step_runs_again_for_another_script_or_setting(
    dev: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But not a step that runs once."""
    source = node_scripts.source
    monkeypatch.setattr(node_scripts, "source", lambda script: f"# later\n{source(script)}")
    touched = run(stack_config("dev"), dev).changed_from(dev)
    steps = {f"{machine.name}-prepare" for machine in dev.kinds("machine:Machine")}
    # A control plane has the script of its timer as a file.
    assert touched == steps | {"cluster1-rollout", "cluster2-rollout"}
