"""The Makefile and .ci/run: their commands, order and stacks."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.scripts.conftest import TOP, copy_checkout

TARGETS = {
    *(
        "up",
        "down",
        "preview",
        "test",
        "test-unit",
        "test-long",
        "lint",
        "bundle",
        "toolchain",
        "image",
    ),
    *("prove", "conformance", "bench", "scale", "schema", "lock", "clean", "help"),
}


def make(*arguments: str, folder: Path = TOP) -> str:
    done = subprocess.run(
        ["make", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_make_alone_lists_every_target_with_a_line_of_help() -> None:
    listed = dict(re.findall(r"^  make ([a-z-]+) +(\S.*)$", make(), re.MULTILINE))
    declared = set(re.findall(r"^\.PHONY: (.*)$", (TOP / "Makefile").read_text(), re.MULTILINE))
    assert set(listed) == declared == TARGETS


@pytest.mark.parametrize(
    ("target", "commands"),
    [
        ("up", ["setup.sh preview", "fleet build stack toolchain bundle image", "fleet up"]),
        ("preview", ["setup.sh preview", "fleet build stack toolchain", "fleet preview"]),
        ("down", ["setup.sh preview", "fleet build stack toolchain", "fleet down"]),
    ],
)
def test_stack_targets_run_the_prerequisites_in_order(target: str, commands: list[str]) -> None:
    planned = make("--dry-run", target, "STACK=prod", "FLAGS=--verbose").splitlines()
    shortened = [
        line.replace(".venv/bin/", "")
        .replace("scripts/", "")
        .replace(" --stack prod", "")
        .replace(" prod --verbose", "")
        for line in planned
    ]
    assert shortened == commands
    assert "--stack prod" in planned[1]
    assert planned[2].endswith(" prod --verbose")


def test_every_folder_of_tests_that_a_target_names_exists() -> None:
    named = re.findall(r"\btests/[\w/]+", (TOP / "Makefile").read_text())
    assert named
    assert [each for each in named if not (TOP / each).is_dir()] == []


def test_clean_keeps_what_cannot_be_recreated(tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "checkout")
    present = {path.relative_to(checkout) for path in checkout.rglob("*")}
    kept = {path for path in present if "__pycache__" not in path.parts}
    (checkout / "kubeconfig").write_text("of a running cluster")
    for rebuildable in (".venv/bin", ".mypy_cache", "model/__pycache__"):
        (checkout / rebuildable).mkdir(parents=True, exist_ok=True)
    make("clean", folder=checkout)
    left = {path.relative_to(checkout) for path in checkout.rglob("*")}
    assert left == kept | {Path("kubeconfig")}


def test_the_requirements_are_pinned_by_hash_and_name_no_address() -> None:
    text = (TOP / "requirements.txt").read_text()
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text
    pins = [line for line in text.splitlines() if re.match(r"[a-zA-Z0-9]", line)]
    assert pins
    assert all(re.match(r"[a-zA-Z0-9._-]+==\S+ (;.* )?\\$", pin) for pin in pins)
    blocks = re.split(r"^(?=[a-zA-Z0-9])", text, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_requirements_are_those_of_the_project() -> None:
    wanted = re.findall(
        r'^    "([A-Za-z0-9-]+==[^"]+)"', (TOP / "pyproject.toml").read_text(), re.M
    )
    assert wanted
    locked = (TOP / "requirements.txt").read_text().lower()
    assert [pin for pin in wanted if f"\n{pin.lower()} " not in f"\n{locked}"] == []


def test_ci_runs_make_test_without_input_and_adds_nothing(tmp_path: Path) -> None:
    stub = tmp_path / "make"
    stub.write_text('#!/bin/sh\necho "make $* in $PWD"\nread -r line || echo "no input"\nexit 7\n')
    stub.chmod(0o755)
    run = subprocess.run(
        ["bash", str(TOP / ".ci" / "run")],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        input="typed",
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout == f"make test in {TOP}\nno input\n"
    assert run.returncode == 7
