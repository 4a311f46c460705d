"""Rendered documents match their golden files."""

from typing import Any

import pytest
import yaml

from model.fleet import Cluster
from model.render import kubeadm
from tests.model.documents import GOLDEN, rendered
from tests.model.examples import CONTAINER, EXISTING, cluster

RENDERED = rendered()


def init_documents(described: Cluster) -> dict[str, dict[str, Any]]:
    """What `kubeadm init` is given on the first control plane, by kind."""
    own = kubeadm.init_configuration(described.control_planes[0])
    text = f"{own}---\n{kubeadm.cluster_documents(described)}"
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


@pytest.mark.parametrize("name", sorted(RENDERED))
def test_document_matches_its_golden_file(name: str) -> None:
    golden = (GOLDEN / name).read_text()
    assert RENDERED[name] == golden, "read the difference; then python -m tests.model.documents"


def test_every_golden_file_is_rendered() -> None:
    assert sorted(path.name for path in GOLDEN.iterdir()) == sorted(RENDERED)


def test_another_machine_changes_no_document_of_existing_ones() -> None:
    endpoint = ("clusters/cluster1/endpoint", {"vip": "10.89.1.100:8443"})
    small = cluster(CONTAINER, endpoint)
    large = cluster(
        CONTAINER,
        endpoint,
        ("clusters/cluster1/controlPlanes/count", 3),
        ("clusters/cluster1/workers/count", 5),
    )
    for machine in small.machines:
        assert machine in large.machines
        assert kubeadm.join_documents(small, machine) == kubeadm.join_documents(large, machine)
    first = small.control_planes[0]
    assert kubeadm.init_configuration(first) == kubeadm.init_configuration(large.control_planes[0])
    assert kubeadm.cluster_documents(small) == kubeadm.cluster_documents(large)


@pytest.mark.parametrize("config", [CONTAINER, EXISTING], ids=["container", "existing"])
def test_no_bootstrap_token_is_configured_and_certificates_are_ecdsa(config: object) -> None:
    assert isinstance(config, dict)
    described = cluster(config)
    by_kind = init_documents(described)
    assert "bootstrapTokens" not in by_kind["InitConfiguration"]
    assert by_kind["ClusterConfiguration"]["encryptionAlgorithm"] == "ECDSA-P256"
    assert "token" not in kubeadm.join_documents(described, described.workers[0]).lower()


def test_only_container_machines_get_the_settings_of_shared_hosts() -> None:
    def kinds(config: dict[str, object]) -> dict[str, dict[str, object]]:
        return init_documents(cluster(config))

    container, existing = kinds(CONTAINER), kinds(EXISTING)
    assert "evictionHard" in container["KubeletConfiguration"]
    assert "evictionHard" not in existing["KubeletConfiguration"]
    for each in (container, existing):
        assert each["KubeProxyConfiguration"]["conntrack"] == {"maxPerCore": 0, "min": 0}
    assert "cgroupDriver" not in container["KubeletConfiguration"]
