"""What a pod requests: figures from the scheduler's rules, one rule each."""

from typing import Any

import pytest

from model.capacity import pod_resources


def container(cpu: str = "", memory: str = "", **more: Any) -> dict[str, Any]:
    requests = {"cpu": cpu, "memory": memory}
    return {"resources": {"requests": {k: v for k, v in requests.items() if v}}, **more}


def sidecar(cpu: str) -> dict[str, Any]:
    return container(cpu, restartPolicy="Always")


@pytest.mark.parametrize(
    ("spec", "cpu"),
    [
        pytest.param({"containers": [container("100m"), container("0.2")]}, 300, id="sum"),
        pytest.param(
            {"containers": [container("100m")], "initContainers": [container("500m")]},
            500,
            id="an init container needs more",
        ),
        pytest.param(
            {
                "containers": [container("100m")],
                "initContainers": [container("80m"), container("90m")],
            },
            100,
            id="init containers run one after the other",
        ),
        pytest.param(
            {"containers": [container("100m")], "initContainers": [sidecar("50m")]},
            150,
            id="a sidecar stays",
        ),
        pytest.param(
            {
                "containers": [container("10m")],
                "initContainers": [sidecar("50m"), container("500m"), sidecar("30m")],
            },
            550,
            id="an init container beside the sidecars before it only",
        ),
        pytest.param(
            {"containers": [container("100m")], "overhead": {"cpu": "250m"}}, 350, id="overhead"
        ),
        pytest.param(
            {
                "containers": [container("100m")],
                "resources": {"requests": {"cpu": "1"}},
                "overhead": {"cpu": "50m"},
            },
            1050,
            id="what is set for the pod replaces what its containers have",
        ),
        pytest.param({"containers": [container("1.5m")]}, 2, id="rounded up as the scheduler does"),
        pytest.param({"containers": [{}]}, 0, id="nothing"),
    ],
)
def test_requests(spec: dict[str, Any], cpu: int) -> None:
    assert pod_resources.requests(spec).get("cpu", 0) == cpu


def test_each_resource_has_its_own_maximum() -> None:
    spec = {
        "containers": [container("100m", "1Gi")],
        "initContainers": [container("500m", "1Mi")],
    }
    assert pod_resources.requests(spec) == {"cpu": 500, "memory": 1 << 30}


def test_devices_count() -> None:
    spec = {"containers": [{"resources": {"requests": {"nvidia.com/gpu": "2"}}}] * 2}
    assert pod_resources.requests(spec) == {"nvidia.com/gpu": 4}


def test_overhead_adds_only_to_limits_that_there_are() -> None:
    limited = {"resources": {"limits": {"memory": "64Mi"}}}
    spec = {"containers": [limited, {}], "overhead": {"cpu": "1", "memory": "1Mi"}}
    assert pod_resources.limits(spec) == {"memory": 65 << 20}


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ({"containers": [container("1", "1Gi")]}, ()),
        ({"containers": [container("1")]}, ("memory",)),
        ({"containers": [container("1", "1Gi"), container()]}, ("cpu", "memory")),
        # An init container has ended.
        ({"containers": [container("1", "1Gi")], "initContainers": [container()]}, ()),
        ({"containers": [container("1", "1Gi")], "initContainers": [sidecar("1m")]}, ("memory",)),
        ({"containers": [{}], "resources": {"requests": {"cpu": "1"}}}, ("memory",)),
    ],
)
def test_who_requests_nothing(spec: dict[str, Any], names: tuple[str, ...]) -> None:
    assert pod_resources.without_requests(spec) == names
