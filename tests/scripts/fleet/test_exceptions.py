"""Security settings that are weaker than their defaults, as `fleet status` lists them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from scripts.fleet import machine_nodes
from tests.model.examples import POLICED, changed


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that lists the exceptions of a stack's file for some clusters."""

    def lines(config: Any, *clusters: str) -> list[str]:
        file = tmp_path / "Pulumi.test.yaml"
        file.write_text(yaml.safe_dump({"config": {"kubeadm-fleet:fleet": config}}))
        workspace = SimpleNamespace(tracked_config=file)
        monkeypatch.setattr(machine_nodes, "open_workspace", lambda _: workspace)
        rows: Any = [SimpleNamespace(cluster=name) for name in clusters]
        return machine_nodes.read_exceptions(rows, "test")

    return lines


def test_there_are_none_by_default(listed: Any) -> None:
    assert listed(POLICED, "cluster1", "cluster2") == []


def test_each_is_a_line_with_its_meaning(listed: Any) -> None:
    config = changed(
        POLICED,
        ("security", {"podSecurity": {"enforce": "privileged"}}),
        ("clusters/cluster2/security", {"secretsEncryption": {"provider": "none"}}),
    )
    privileged = "security.podSecurity.enforce is privileged: pods may take over their Nodes"
    plain = (
        "security.secretsEncryption.provider is none: Secrets can be read in etcd and in snapshots"
    )
    assert listed(config, "cluster1", "cluster2") == [
        f"cluster1: {privileged}",
        f"cluster2: {plain}",
        f"cluster2: {privileged}",
    ]
    assert listed(config, "cluster1") == [f"cluster1: {privileged}"], "of the clusters shown"


def test_policies_that_nothing_enforces_are_one(listed: Any) -> None:
    config = changed(POLICED, ("clusters/cluster2/networking/networkPolicy", "none"))
    assert listed(config, "cluster1", "cluster2") == [
        "cluster2: networking.networkPolicy is none: NetworkPolicy objects have no effect"
    ]


def test_a_file_that_cannot_be_read_has_none(listed: Any) -> None:
    assert listed({"clusters": {"Bad Name": {}}}, "cluster1") == []
