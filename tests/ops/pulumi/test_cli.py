"""How the engine is started."""

import json
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from ops.pulumi.isolated import IsolatedStack


@pytest.mark.parametrize("given", ["1", "", None])
def test_the_engine_s_processes_keep_compiled_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None
) -> None:
    if given is None:
        monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    else:
        monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", given)
    environment = IsolatedStack(tmp_path, "test", tmp_path).environment
    (tmp_path / "module.py").write_text("")
    imports = [sys.executable, "-c", "import module"]
    subprocess.run(imports, cwd=tmp_path, env=environment, check=True)
    assert list((tmp_path / "__pycache__").glob("module.*.pyc"))


def pip(tmp_path: Path, *arguments: str) -> str:
    """What pip answers a process of the engine."""
    environment = IsolatedStack(tmp_path, "test", tmp_path).environment
    command = [sys.executable, "-m", "pip", *arguments]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return ran.stdout


def test_the_engine_learns_without_pip_that_no_package_brings_a_plugin(tmp_path: Path) -> None:
    assert json.loads(pip(tmp_path, "list", "-v", "--format", "json")) == []
    installed = {found.name.lower().replace("_", "-") for found in distributions()}
    assert not {name for name in installed if name.startswith("pulumi-")}


def test_any_other_call_is_pip_s(tmp_path: Path) -> None:
    listed = json.loads(pip(tmp_path, "list", "--format", "json"))
    assert "pulumi" in {found["name"] for found in listed}


def test_a_module_path_of_the_caller_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    environment = IsolatedStack(tmp_path, "test", tmp_path).environment
    assert environment["PYTHONPATH"].endswith(":/somewhere")
