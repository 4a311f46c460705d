"""How the engine is started."""

import subprocess
import sys
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
