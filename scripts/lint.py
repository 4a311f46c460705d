"""All linters of the project, run in parallel."""

import os
import sys
from pathlib import Path

from model.paths import toolchain_dir
from scripts.build.task_graph import Result, Stage, run_stages

VENV = Path(sys.executable).parent


def linters() -> list[Stage]:
    """Return a stage for each linter, with the files of this checkout that it checks."""
    node = sorted(map(str, Path("scripts/node").glob("*.sh")))
    bare = sorted(map(str, Path("scripts/bench/bare").glob("*.sh")))
    programs = [
        "--external-sources",
        ".ci/run",
        "scripts/setup.sh",
        "scripts/prove/enter.sh",
        *bare,
    ]
    workflows = sorted(map(str, Path(".github/workflows").glob("*.yml")))
    return [
        Stage("ruff check", (str(VENV / "ruff"), "check", "--quiet")),
        Stage("ruff format", (str(VENV / "ruff"), "format", "--check", "--quiet")),
        Stage("mypy", (str(VENV / "mypy"),)),
        Stage("lint-imports", (str(VENV / "lint-imports"),)),
        Stage("shellcheck", (str(VENV / "shellcheck"), *programs)),
        # Parts of scripts that model/render/node_scripts.py composes: one part's variables are
        # used by another. The tests check each composed script, with nothing excluded.
        Stage(
            "shellcheck of node steps",
            (str(VENV / "shellcheck"), "--shell=bash", "--exclude=SC2034", *node),
        ),
        Stage("actionlint", (str(toolchain_dir() / "actionlint"), *workflows)),
    ]


def main() -> None:
    """Run the linters; fail if one of them does."""
    # actionlint checks the scripts in workflows with the shellcheck in PATH.
    os.environ["PATH"] = os.pathsep.join([str(VENV), os.environ.get("PATH", os.defpath)])
    results = run_stages(linters())
    sys.exit(0 if all(result is Result.DONE for result in results.values()) else 1)


if __name__ == "__main__":
    main()
