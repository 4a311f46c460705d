"""An invalid config registers no resources."""

from pathlib import Path
from typing import Any

import pytest

from tests.components.conftest import stack_config
from tests.components.recorder import run
from tests.model.examples import changed


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("kubernetesVersion", "1.20.1"),
        ("clusters/cluster1/controlPlanes/count", 2),
        ("clusters/cluster2/machines/subnet", "10.89.1.0/24"),
        ("clusters/cluster2/wokers", {"count": 1}),
        ("machines/driver", "balloon"),
    ],
)
def test_an_invalid_config_registers_nothing(path: str, value: Any) -> None:
    graph = run(changed(stack_config("dev"), (path, value)))
    assert graph.refusal is not None
    assert "nothing was changed" in graph.refusal
    assert list(graph) == []


def test_a_missing_private_key_registers_nothing() -> None:
    graph = run(stack_config("prod"))
    assert graph.refusal is not None
    assert "sshPrivateKey" in graph.refusal
    assert list(graph) == []


def test_text_of_the_stack_file_that_the_engine_changes_registers_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "Pulumi.test.yaml"
    file.write_text("config:\n  kubeadm-fleet:fleet: {clusters: {010: {}}}\n")
    graph = run(stack_config("dev"))
    assert graph.refusal is not None
    assert 'line 2: 010 is read as a number: quote it ("010")' in graph.refusal
    assert list(graph) == []

    other = tmp_path / "other.yaml"
    other.write_text("config: {}\n")
    monkeypatch.setenv("PULUMI_OPTION_CONFIG_FILE", str(other))
    assert run(stack_config("dev")).refusal is None


@pytest.mark.parametrize("login", ["swordfish", ":swordfish", "robot:", "robot:sword\nfish", ""])
def test_a_login_for_a_mirror_has_a_user_and_a_password(login: str) -> None:
    config = stack_config("dev")
    mirror = {"url": "https://mirror.example.com", "credentials": "mirrorLogin"}
    config["registryMirrors"] = {"docker.io": mirror}
    graph = run(config, secrets={"mirrorLogin": login})
    assert graph.refusal is not None
    assert "kubeadm-fleet:mirrorLogin is not a login for a mirror: set one line" in graph.refusal
    assert "fish" not in graph.refusal
    assert run(config, secrets={"mirrorLogin": "robot:sword:fish"}).refusal is None
