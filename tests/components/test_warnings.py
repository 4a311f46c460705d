"""What the program warns about while it registers everything all the same."""

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
