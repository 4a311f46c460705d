"""Networks that are in use elsewhere: what the program warns about, and what hosts are told."""

from typing import Any

import pulumi
import pytest

from tests.components.conftest import SSH_KEY, stack_config
from tests.components.recorder import run
from tests.model.examples import changed

SHARED = ("clusters/cluster2/networking/podSubnet", "10.244.0.0/16")


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Warnings through Pulumi's log."""
    texts: list[str] = []
    monkeypatch.setattr(pulumi, "warn", texts.append)
    return texts


def test_overlapping_networks_are_warned_about_and_registered(warned: list[str]) -> None:
    graph = run(changed(stack_config("dev"), SHARED))
    assert graph.refusal is None
    assert any(graph)
    (text,) = warned
    assert text.startswith(
        "kubeadm-fleet:fleet.clusters.cluster2.networking.podSubnet: "
        "overlaps 10.244.0.0/16 (the pods of cluster1)"
    )


def test_consent_ends_the_warning(warned: list[str]) -> None:
    run(changed(stack_config("dev"), SHARED, ("networks", {"shared": True})))
    assert warned == []


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_tracked_stack_is_not_warned_about(name: str, warned: list[str]) -> None:
    config: Any = stack_config(name)
    run(config, secrets={"sshPrivateKey": SSH_KEY})
    assert warned == []


@pytest.mark.parametrize(
    ("shared", "networks"),
    [(False, {"podSubnet": "10.245.0.0/16", "serviceSubnet": "10.97.0.0/16"}), (True, {})],
)
def test_a_host_is_checked_for_the_networks_that_it_must_not_need(
    shared: bool, networks: dict[str, str]
) -> None:
    consent = ("clusters/cluster2/networks", {"shared": shared})
    graph = run(changed(stack_config("prod"), consent), secrets={"sshPrivateKey": SSH_KEY})
    hosts = [resource for resource in graph if resource.type.endswith(":ExistingHost")]
    given = {host.name: host.inputs["networks"] for host in hosts}
    assert given["cluster2-rack1-a"] == networks
    assert given["cluster1-rack1-a"] == {
        "podSubnet": "10.244.0.0/16",
        "serviceSubnet": "10.96.0.0/16",
    }


def test_machines_get_the_supplements_of_their_cluster_alone() -> None:
    config = changed(stack_config("dev"), ("clusters/cluster1/networking/networkPolicy", "none"))
    graph = run(config)
    for machine in graph.kinds("ContainerMachine"):
        chosen = machine.name.startswith("cluster2-")
        wanted = ["calico", "metrics-server"] if chosen else ["metrics-server"]
        assert machine.inputs.get("supplements") == wanted
    policed = "flannel with calico"
    for cluster, connects, policies in (
        ("cluster1", "flannel", "none"), ("cluster2", policed, "calico"),
    ):  # fmt: skip
        network = graph.one(f"{cluster}-pod-network").inputs
        assert network["pod_network"] == {
            "cluster": cluster, "connects": connects, "network": "flannel", "policies": policies,
        }  # fmt: skip
        assert ("calico" in network["documents"]) == (connects != "flannel")
        probe = graph.one(f"{cluster}-probe").inputs["documents"]
        assert ("NetworkPolicy" in probe) == (connects != "flannel")
