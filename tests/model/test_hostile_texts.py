"""Hostile texts in every place of a config: parsed, or rejected and shown as text."""

from pathlib import Path
from typing import Any

import pytest

from model.config.errors import ConfigError
from model.fleet import Fleet
from model.load import load
from tests.hostile import texts
from tests.model.examples import changed
from tests.model.test_any_config import CASES, CONFIGS

# Mappings whose keys are names that the user chooses, with a valid value.
NAMED: tuple[tuple[str, str, Any], ...] = (
    ("container", "clusters", {"machines": {"subnet": "10.88.9.0/24"}}),
    ("container", "clusters/cluster1/labels", "x"),
    ("container", "clusters/cluster1/workers/labels", "x"),
    ("container", "clusters/cluster1/workers/pools", {"count": 1}),
    ("container", "clusters/cluster1/apiServer/extraArgs", "x"),
    ("container", "clusters/cluster1/kubelet", 1),
    ("container", "clusters/cluster1/apiServer/files", "x"),
    ("container", "security/namespaces", {"defaultDeny": True}),
    ("container", "security/namespaces/team/quota", 1),
    ("container", "security/namespaces/team/limits", {"memory": "1Gi"}),
    ("container", "registryMirrors", {"url": "https://mirror.example.com"}),
    ("container", "people/users", {"access": [{"role": "view"}]}),
    ("container", "people/groups", {"access": [{"role": "view"}]}),
    ("container", "people/roles", {"rules": [{"verbs": ["get"], "resources": ["pods"]}]}),
    ("existing", "clusters/cluster1/workers/hosts", {"address": "10.20.1.102"}),
)


def is_shown_as_text(error: ConfigError) -> bool:
    """Whether a terminal shows every character of it, and neither obeys nor hides one."""
    return all(line.isprintable() for line in str(error).split("\n"))


def outcome(config: dict[str, Any]) -> Fleet | ConfigError:
    try:
        return load(config)
    except ConfigError as error:
        return error


@pytest.mark.parametrize("offset", range(8))
def test_a_value_is_parsed_or_rejected(offset: int, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for index, text in list(enumerate(texts(canary)))[offset::8]:
        name, path = CASES[index % len(CASES)]
        found = outcome(changed(CONFIGS[name], (path, text)))
        assert isinstance(found, Fleet) or is_shown_as_text(found), (path, text, str(found))
    assert not canary.exists()


@pytest.mark.parametrize(("name", "path", "value"), NAMED, ids=[path for _, path, _ in NAMED])
def test_a_name_is_parsed_or_rejected(name: str, path: str, value: Any, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    given = texts(canary)[:: len(NAMED)]
    for text in given:
        # A name may have the character that parts the path.
        config = changed(CONFIGS[name], (f"{path}/NAME", value))
        holder: Any = config
        for key in path.split("/"):
            holder = holder[key]
        holder[text] = holder.pop("NAME")
        found = outcome(config)
        assert isinstance(found, Fleet) or is_shown_as_text(found), (path, text, str(found))
    assert not canary.exists()
