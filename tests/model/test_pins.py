"""Versions and constants are defined once, and every other occurrence agrees."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from model import pins, versions, well_known
from model.config.upgrades import DRAIN_SECONDS
from model.render.objects import MANIFESTS

TOP = Path(__file__).parents[2]
IMAGE = re.compile(r"image: (\S+)$", re.MULTILINE)
CONSTANT = re.compile(r'^[A-Z_]+ = "v?\d+\.\d+\.\d+(?!\.\d).*"$', re.MULTILINE)


def test_default_and_tested_versions_are_supported() -> None:
    for version in (pins.KUBERNETES, pins.KUBERNETES_NEWEST, pins.KUBERNETES_EARLIER):
        assert str(versions.parse(version)) == version
    assert versions.parse(pins.KUBERNETES_NEWEST).minor == max(pins.KUBERNETES_MINORS)
    assert versions.parse(pins.KUBERNETES_EARLIER) < versions.parse(pins.KUBERNETES)


def test_requirements_match_the_pinned_programs() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    assert f"pulumi=={pins.PULUMI_SDK}" in project["dependencies"]


def test_makefile_has_the_same_versions() -> None:
    defaults = dict(
        re.findall(r"^(UPGRADE|EARLIER) \?= (.+)$", (TOP / "Makefile").read_text(), re.MULTILINE)
    )
    assert defaults == {
        "UPGRADE": pins.KUBERNETES_NEWEST.removeprefix("v"),
        "EARLIER": pins.KUBERNETES_EARLIER.removeprefix("v"),
    }


def test_manifests_name_the_images_that_are_built() -> None:
    texts = [file.read_text() for file in MANIFESTS.rglob("*.yaml")]
    assert {image for text in texts for image in IMAGE.findall(text)} == {
        f"ghcr.io/flannel-io/flannel-cni-plugin:{pins.FLANNEL_CNI_PLUGIN}",
        f"ghcr.io/flannel-io/flannel:{pins.FLANNEL}",
        f"quay.io/calico/cni:{pins.CALICO}",
        f"quay.io/calico/node:{pins.CALICO}",
        f"registry.k8s.io/metrics-server/metrics-server:{pins.METRICS_SERVER}",
    }


def containers(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every container below a node of a manifest."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("containers", "initContainers", "ephemeralContainers"):
                yield from value
            else:
                yield from containers(value)
    if isinstance(node, list):
        for item in node:
            yield from containers(item)


def test_images_that_a_machine_has_are_not_pulled() -> None:
    """Without a policy, it is IfNotPresent for a tag other than `latest`.

    https://kubernetes.io/docs/concepts/containers/images/#imagepullpolicy-defaulting
    """
    documents = [yaml.safe_load_all(file.read_text()) for file in MANIFESTS.rglob("*.yaml")]
    found = [container for document in documents for container in containers(list(document))]
    assert len(found) == 9
    for container in found:
        image, _, tag = container["image"].rpartition(":")
        assert "/" in image
        assert tag not in ("", "latest")
        assert container.get("imagePullPolicy", "IfNotPresent") == "IfNotPresent"


def test_drain_manifest_contains_the_default() -> None:
    policy: dict[str, Any] = yaml.safe_load((MANIFESTS / "baseline" / "drain.yaml").read_text())
    assert policy["data"]["seconds"] == str(DRAIN_SECONDS)


def test_shell_and_python_use_the_same_port() -> None:
    text = (TOP / "scripts" / "node" / "paths.sh").read_text()
    assert f"\nAPI_PORT={well_known.API_PORT}\n" in text


def test_no_version_is_a_constant_elsewhere() -> None:
    found = {
        f"{file.relative_to(TOP)}: {match[0]}"
        for room in ("model", "ops", "components", "scripts")
        for file in (TOP / room).rglob("*.py")
        for match in CONSTANT.finditer(file.read_text())
        if file.name != "pins.py"
    }
    assert found == set()
