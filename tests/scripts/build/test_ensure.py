"""The prerequisites of a stack, and their order."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from model.artifacts.upstream import downloads
from model.fleet import Fleet
from model.load import load
from scripts.build import buildcache, ensure
from scripts.build.ensure import KINDS, stages_for
from scripts.build.task_graph import Result, Stage
from scripts.schema import SCHEMA, rendered
from tests.scripts.conftest import TOP, copy_checkout


def tracked(stack: str) -> dict[str, Any]:
    document = yaml.safe_load((TOP / f"Pulumi.{stack}.yaml").read_text())
    value: dict[str, Any] = document["config"]["kubeadm-fleet:fleet"]
    for cluster in value["clusters"].values():
        cluster.setdefault("networking", {})["networkPolicy"] = "none"
    return value | {"metricsServer": False}


def planned(fleet: Fleet, *wanted: str, root: bool = True) -> dict[str, tuple[str, ...]]:
    return {stage.name: stage.after for stage in stages_for(fleet, wanted, root=root)}


def test_container_machines_need_everything() -> None:
    assert planned(load(tracked("dev")), *KINDS) == {
        "toolchain": (),
        "packages": (),
        "bundle v1.36.3": ("packages",),
        "image v1.36.3": ("bundle v1.36.3",),
    }


def test_existing_hosts_need_no_image_and_without_root_no_package() -> None:
    fleet = load(tracked("prod"))
    assert planned(fleet, "bundle", "image", root=False) == {"bundle v1.36.3": ()}
    (packages, _) = stages_for(fleet, ("bundle", "image"), root=True)
    assert packages.command[1:] == ("bundle",)


def test_hosts_that_download_their_artifacts_need_no_bundle() -> None:
    config = tracked("prod") | {"artifacts": {"source": "upstream"}}
    assert planned(load(config), "bundle", "image", root=False) == {}


def test_bundles_are_downloaded_from_the_mirror() -> None:
    mirror = "https://mirror.example.com"
    files = downloads("v1.36.3", "amd64", mirror)
    sums = {file.address(mirror): f"{number:064}" for number, file in enumerate(files)}
    config = tracked("dev") | {"artifacts": {"mirror": mirror, "sums": sums}}
    (_, bundle) = stages_for(load(config), ("bundle",), root=True)
    start = bundle.command.index("--version")
    assert bundle.command[start : start + 4] == ("--version", "v1.36.3", "--mirror", mirror)
    given = {f"{address}={digest}" for address, digest in sums.items()}
    assert {*bundle.command[start + 4 :]} == {"--sum", *given}


def test_each_version_has_a_bundle_and_an_image_of_its_own() -> None:
    config = tracked("dev")
    config["clusters"]["cluster2"]["kubernetesVersion"] = "1.37.2"
    assert planned(load(config), "bundle", "image") == {
        "packages": (),
        "bundle v1.36.3": ("packages",),
        "bundle v1.37.2": ("packages",),
        "image v1.36.3": ("bundle v1.36.3",),
        "image v1.37.2": ("bundle v1.37.2",),
    }


def test_what_only_one_cluster_chooses_is_built_once_and_in_its_image_alone() -> None:
    config = tracked("dev")
    config["clusters"]["cluster2"]["networking"] = {"networkPolicy": "calico"}
    assert planned(load(config), "bundle", "image") == {
        "packages": (),
        "bundle v1.36.3": ("packages",),
        "supplement calico": ("packages",),
        "image v1.36.3": ("bundle v1.36.3",),
        "image v1.36.3+calico": ("bundle v1.36.3", "supplement calico"),
    }
    (*_, image) = stages_for(load(config), ("image",), root=True, also=("v1.37.2",))
    assert image.name == "image v1.37.2+calico"
    assert image.command[-4:] == ("--version", "v1.37.2", "--supplement", "calico")
    stages = stages_for(load(tracked("dev")), ("image",), root=True, further=("calico",))
    assert [stage.name for stage in stages][-2:] == ["image v1.36.3", "image v1.36.3+calico"]
    config["clusters"]["cluster1"]["metricsServer"] = True
    assert planned(load(config), "image") == {
        "packages": (),
        "image v1.36.3+calico": ("packages",),
        "image v1.36.3+metrics-server": ("packages",),
    }
    downloading = tracked("prod") | {"artifacts": {"source": "upstream"}}
    for cluster in downloading["clusters"].values():
        cluster["networking"] = {"networkPolicy": "calico"}
    assert planned(load(downloading), "bundle", "image", root=False) == {}


def test_the_version_of_an_upgrade_is_prepared_as_well() -> None:
    stages = stages_for(
        load(tracked("dev")), ("bundle", "image"), root=True, also=("v1.37.2", "v1.36.3")
    )
    assert [stage.name for stage in stages] == [
        *("packages", "bundle v1.36.3", "bundle v1.37.2", "image v1.36.3", "image v1.37.2"),
    ]


def test_versions_are_made_one_after_the_other_those_of_the_stack_first() -> None:
    config = tracked("dev")
    config["clusters"]["cluster2"]["kubernetesVersion"] = "1.37.2"
    also = ("v1.36.9", "v1.36.1", "v1.37.2")
    stages = stages_for(load(config), KINDS, root=True, also=also)
    bundles = ["bundle v1.36.3", "bundle v1.37.2", "bundle v1.36.1", "bundle v1.36.9"]
    assert [stage.name for stage in stages if stage.name.startswith("bundle")] == bundles
    behind = {stage.name: stage.behind for stage in stages if stage.behind}
    assert behind == {name: (former,) for former, name in pairwise(bundles)}


@pytest.mark.parametrize("result", [Result.DONE, Result.FAILED])
def test_what_a_version_compiled_is_kept_for_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: Result
) -> None:
    monkeypatch.setenv("KUBEADM_FLEET_CACHE", str(tmp_path))
    compiled = buildcache.folder() / "go"

    def build(stages: list[Stage]) -> dict[str, Result]:
        with buildcache.building():
            compiled.mkdir()
        assert compiled.exists()
        return {stage.name: result for stage in stages}

    monkeypatch.setattr(ensure, "run_stages", build)
    ran = CliRunner().invoke(ensure.main, ["--also", "1.37.2", "bundle"])
    assert ran.exit_code == (0 if result is Result.DONE else 1)
    assert compiled.exists() is (result is Result.FAILED), "a retry goes on from it"


def test_a_preview_needs_the_tools_only() -> None:
    assert planned(load(tracked("dev")), "toolchain", "plugin", root=False) == {
        "toolchain": (),
    }


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return copy_checkout(tmp_path / "checkout")


def prepare(checkout: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "scripts.build.ensure", *arguments],
        cwd=checkout,
        env={**os.environ, "KUBEADM_FLEET_CACHE": str(checkout / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_invalid_config_is_rejected_before_anything_is_built(checkout: Path) -> None:
    stack_file = checkout / "Pulumi.dev.yaml"
    stack_file.write_text(stack_file.read_text().replace("10.89.2.0/24", "10.89.1.0/24"))
    refused = prepare(checkout, *KINDS)
    assert refused.returncode == 1
    assert "Pulumi.dev.yaml: " in refused.stderr
    assert "subnet" in refused.stderr
    assert not (checkout / "cache").exists()


def test_a_stack_without_a_file_is_rejected(checkout: Path) -> None:
    refused = prepare(checkout, "--stack", "staging", "toolchain")
    assert refused.returncode == 2
    assert "no stack file Pulumi.staging.yaml" in refused.stderr


def test_the_schema_is_the_one_of_the_types() -> None:
    assert SCHEMA.read_text() == rendered(), "run `make schema`"


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_stack_files_name_the_schema(stack: str) -> None:
    first, *_ = (TOP / f"Pulumi.{stack}.yaml").read_text().splitlines()
    assert first == f"# yaml-language-server: $schema={SCHEMA.relative_to(TOP)}"
