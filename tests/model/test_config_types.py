"""The config's types: descriptions and examples of every field."""

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

import model.config
from model.cluster_machines import MACHINE_BUILDERS
from model.cni.plugins import PLUGINS
from model.config.field import ScalarField
from model.config.machines import DRIVERS
from model.config.schema import FleetConfig
from model.load import load

TOP = Path(__file__).parents[2]
SCHEMA = FleetConfig.model_json_schema()


def parts() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "FleetConfig", SCHEMA
    yield from SCHEMA["$defs"].items()


PROPERTIES = {
    f"{part}.{key}": schema
    for part, schema_of_part in parts()
    for key, schema in schema_of_part["properties"].items()
}


def is_leaf(schema: dict[str, Any]) -> bool:
    options = schema.get("anyOf", [schema])
    types = {option.get("type") for option in options}
    return not any("$ref" in option for option in options) and types.isdisjoint({"array", "object"})


@pytest.mark.parametrize("name", sorted(PROPERTIES))
def test_every_field_is_described_and_every_value_has_an_example(name: str) -> None:
    schema = PROPERTIES[name]
    assert schema["description"].endswith(".")
    if is_leaf(schema):
        options = [schema, *schema.get("anyOf", [])]
        assert any(option.get("examples") for option in options)


@pytest.mark.parametrize("part", [name for name, _ in parts()])
def test_unknown_keys_are_rejected_everywhere_and_all_are_camel_case(part: str) -> None:
    schema = dict(parts())[part]
    assert schema["additionalProperties"] is False
    assert all("_" not in key and key[0].islower() for key in schema["properties"])


MODULES = [
    importlib.import_module(f"model.config.{found.name}")
    for found in pkgutil.iter_modules(model.config.__path__)
]
LEAVES = {
    name: annotation
    for module in MODULES
    for name, annotation in vars(module).items()
    if any(isinstance(each, ScalarField) for each in getattr(annotation, "__metadata__", ()))
}


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_examples_are_valid(name: str) -> None:
    (leaf,) = (each for each in LEAVES[name].__metadata__ if isinstance(each, ScalarField))
    TypeAdapter(LEAVES[name]).validate_python(leaf.example)


def test_names_of_drivers_and_networks_are_suggested() -> None:
    machines = SCHEMA["$defs"]["Machines"]["properties"]["driver"]
    (driver,) = (option for option in machines["anyOf"] if option["type"] == "string")
    assert driver["enum"] == sorted(DRIVERS)
    network = SCHEMA["$defs"]["ClusterConfig"]["properties"]["network"]
    assert network["enum"] == sorted(PLUGINS)


def test_every_driver_has_a_machine_builder() -> None:
    assert set(MACHINE_BUILDERS) == set(DRIVERS)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_tracked_stacks_are_valid(stack: str) -> None:
    document = yaml.safe_load((TOP / f"Pulumi.{stack}.yaml").read_text())
    fleet = load(document["config"]["kubeadm-fleet:fleet"])
    assert [cluster.name for cluster in fleet.clusters] == ["cluster1", "cluster2"]


def test_reading_a_config_loads_no_heavy_library() -> None:
    program = "import sys, model.load; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=TOP, capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"cryptography", "pulumi", "paramiko", "kubernetes", "requests", "rich"}
    assert heavy.isdisjoint(loaded)
