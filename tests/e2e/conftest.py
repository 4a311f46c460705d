"""One fleet for the end-to-end tests, made by the real engine and destroyed at the end."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model import paths
from tests.e2e import host
from tests.e2e.kubectl import Kubectl
from tests.e2e.pulumi_stack import PulumiStack

CONFIG: dict[str, Any] = {
    "kubernetesVersion": "1.36.3",
    "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
    "clusters": {
        "cluster1": {
            "labels": {"environment": "test", "region": "tokyo"},
            "machines": {"subnet": "10.86.1.0/24"},
            "controlPlanes": {"count": 1},
            "workers": {"count": 1},
        },
        "cluster2": {
            "labels": {"environment": "test", "region": "osaka"},
            "machines": {"subnet": "10.86.2.0/24"},
            "controlPlanes": {"count": 1},
            "workers": {"count": 1},
        },
    },
}


@pytest.fixture(scope="session")
def workshop() -> Iterator[Path]:
    """A folder beside the machine images, so that machines can share files with them."""
    import shutil
    import tempfile

    base = paths.cache_dir() / "tests"
    base.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=base))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def stack(workshop: Path) -> Iterator[PulumiStack]:
    """A stack that does not exist on the host yet; whatever a test leaves of it is destroyed."""
    before = host.traces()
    folder = workshop / f"stack-{os.urandom(4).hex()}"
    stack = PulumiStack(folder, "test", dict(CONFIG))
    stack.create()
    try:
        yield stack
    finally:
        stack.run("cancel", "--yes")
        stack.destroy()
        left = {kind: now - before[kind] for kind, now in host.traces().items()}
        assert not any(left.values()), left


@pytest.fixture(scope="module")
def fleet(stack: PulumiStack) -> PulumiStack:
    """The stack with both clusters up."""
    stack.up()
    return stack


@pytest.fixture(scope="module")
def kubectl(fleet: PulumiStack) -> Kubectl:
    """The real kubectl with the kubeconfig that the stack exports."""
    path = fleet.folder / "kubeconfig"
    path.write_text(fleet.output("kubeconfig"))
    path.chmod(0o600)
    return Kubectl(path)
