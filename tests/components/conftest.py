"""The resource graphs of three kinds of fleet, each recorded once."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.components.graph import Graph
from tests.components.recorder import PROGRAM, run

SSH_KEY = "the private key of existing hosts"


def stack_config(name: str) -> Any:
    """Return the fleet of a checked-in stack file."""
    document = yaml.safe_load((PROGRAM.parent / f"Pulumi.{name}.yaml").read_text())
    return document["config"]["kubeadm-fleet:fleet"]


@pytest.fixture(autouse=True, scope="package")
def _texts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A store for the texts of these fleets."""
    folder = tmp_path_factory.mktemp("content")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("model.paths.content_dir", lambda: folder)
        yield


@pytest.fixture(scope="package")
def dev() -> Graph:
    """The dev stack: two small clusters of container machines."""
    return run(stack_config("dev"))


@pytest.fixture(scope="package")
def prod() -> Graph:
    """The prod stack: two regions of existing hosts, three control planes each, protected."""
    return run(stack_config("prod"), secrets={"sshPrivateKey": SSH_KEY})


@pytest.fixture(params=["dev", "prod"], scope="package")
def graph(request: pytest.FixtureRequest) -> Graph:
    """Each of them."""
    found: Graph = request.getfixturevalue(request.param)
    return found
