"""An invalid config registers no resources."""

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
