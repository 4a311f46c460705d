"""The workflows: valid, with minimal permissions."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from model.paths import toolchain_dir
from tests.scripts.conftest import TOP

WORKFLOWS = sorted((TOP / ".github" / "workflows").glob("*.yml"))
JOBS = [
    pytest.param(job, id=f"{path.stem}-{name}")
    for path in WORKFLOWS
    for name, job in yaml.safe_load(path.read_text())["jobs"].items()
]


def read(name: str) -> dict[str, Any]:
    workflow: dict[str, Any] = yaml.safe_load((TOP / ".github/workflows" / name).read_text())
    return workflow


def test_actionlint_passes() -> None:
    # It checks the scripts inside with the shellcheck that it finds.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    run = subprocess.run(
        [str(toolchain_dir() / "actionlint"), *map(str, WORKFLOWS)],
        cwd=TOP,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert WORKFLOWS


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_unless_a_job_asks(path: Path) -> None:
    assert read(path.name)["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("job", JOBS)
def test_a_job_with_write_access_runs_no_code_of_the_checkout(job: dict[str, Any]) -> None:
    if "write" in job.get("permissions", {}).values():
        assert job["permissions"] == {"pull-requests": "write"}
        assert not any("actions/checkout" in step.get("uses", "") for step in job["steps"])


@pytest.mark.parametrize("job", JOBS)
def test_actions_are_pinned_and_persist_no_token(job: dict[str, Any]) -> None:
    for step in job.get("steps", []):
        if action := step.get("uses"):
            assert re.fullmatch(r"actions/[a-z-]+@v\d+", action)
            if "checkout" in action:
                assert step["with"]["persist-credentials"] is False


def test_prod_comes_after_dev_and_each_has_its_environment() -> None:
    up = read("up.yml")
    assert up["jobs"]["prod"]["needs"] == "dev"
    assert [job["with"]["stack"] for job in up["jobs"].values()] == ["dev", "prod"]
    stack = read("up-stack.yml")["jobs"]["up"]
    assert stack["environment"] == "${{ inputs.stack }}"


def test_jobs_that_change_a_stack_are_serialized() -> None:
    up = read("up-stack.yml")["jobs"]["up"]["concurrency"]
    destroy = read("destroy-dev.yml")["concurrency"]
    assert up == {"group": "stack-${{ inputs.stack }}", "cancel-in-progress": False}
    assert destroy == {"group": "stack-dev", "cancel-in-progress": False}


@pytest.mark.parametrize(
    "steps",
    [
        read("up-stack.yml")["jobs"]["up"]["steps"],
        read("destroy-dev.yml")["jobs"]["destroy"]["steps"],
    ],
    ids=["up", "destroy"],
)
@pytest.mark.parametrize(("backend", "status"), [("", 1), ("s3://fleet-state", 0)])
def test_without_a_backend_nothing_is_changed(
    steps: list[dict[str, Any]], backend: str, status: int
) -> None:
    run = subprocess.run(
        ["bash", "-e", "-c", steps[0]["run"]],
        env={"PULUMI_BACKEND_URL": backend, "STACK": "dev"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == status
    assert ("no secret PULUMI_BACKEND_URL" in run.stdout) == (status == 1)
