"""Configs and errors in the README, and configs of access, are current."""

from textwrap import dedent
from typing import Any

import pytest
import yaml

from model.config.errors import ConfigError
from model.config.parse import read
from model.load import load
from tests.docs.documents import TOP, blocks
from tests.model.examples import CONTAINER, HOST_KEY

README, ACCESS = TOP / "README.md", TOP / "docs/access.md"


def fleet_of(block: str) -> Any:
    """Return the fleet that a block of YAML describes, or a part of which."""
    document = yaml.safe_load(dedent(block).replace("ssh-ed25519 AAAA...", HOST_KEY))
    if "config" in document:
        return document["config"]["kubeadm-fleet:fleet"]
    is_cluster = all(
        isinstance(each, dict) and "controlPlanes" in each for each in document.values()
    )
    return {"clusters": document} if is_cluster else {"clusters": {"a": {}}, **document}


@pytest.mark.parametrize("block", list(blocks(README, "yaml")))
def test_configs_in_the_readme_are_valid(block: str) -> None:
    assert read(fleet_of(block)).problems == ()


@pytest.mark.parametrize(
    "block", [block for block in blocks(ACCESS, "yaml") if "authentication:" in block]
)
def test_configs_of_access_are_accepted(block: str) -> None:
    """Also by the rules between values, such as the names of issuers."""
    load({**CONTAINER, **yaml.safe_load(dedent(block))})


def test_the_error_in_the_readme_is_current() -> None:
    cluster = {
        "machines": {"subnet": "10.89.1.0/24"},
        "networking": {"podSubnet": "10.89.0.0/16"},
        "controlPlanes": {"count": 3},
    }
    with pytest.raises(ConfigError) as refused:
        load({"clusters": {"a": cluster}})
    assert f"error: {refused.value}\n" in list(blocks(README, "console"))
