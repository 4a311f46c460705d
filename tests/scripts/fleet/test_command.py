"""The command line: entry point, help pages, completion, start-up time."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from scripts.fleet.__main__ import cli
from tests.scripts.conftest import TOP

FLEET = TOP / ".venv" / "bin" / "fleet"
COMMANDS = cli.list_commands(click.Context(cli))
HEAVY = ("kubernetes", "paramiko", "pulumi", "pydantic", "requests", "rich", "yaml")


def run(program: Path, *arguments: str, folder: Path) -> str:
    return subprocess.run(
        [str(program), *arguments], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


def test_the_installed_entry_point_is_the_declared_one() -> None:
    declared = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, function = declared["fleet"].partition(":")
    imported = [
        (node.module, name.name)
        for node in ast.parse(FLEET.read_text()).body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    ]
    assert imported == [(module, function)]


def test_fleet_runs_from_any_directory_and_through_a_link(tmp_path: Path) -> None:
    link = tmp_path / "fleet"
    link.symlink_to(FLEET)
    assert run(link, "--help", folder=tmp_path).startswith("Usage: fleet")


def test_a_help_page_imports_no_subcommand(tmp_path: Path) -> None:
    code = "import sys; from scripts.fleet.__main__ import main; main()"
    shown = subprocess.run(
        [str(TOP / ".venv/bin/python"), "-X", "importtime", "-c", code, "--help"],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    imported = {line.rpartition("|")[2].strip() for line in shown.splitlines()}
    assert "scripts.fleet.lazy_group" in imported
    assert not any(name.startswith("scripts.fleet.commands") for name in imported)
    assert imported.isdisjoint(HEAVY)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_subcommand_has_a_page_with_examples(name: str) -> None:
    shown = CliRunner().invoke(cli, [name, "--help"], prog_name="fleet")
    assert shown.exit_code == 0, shown.output
    assert f"Usage: fleet {name}" in shown.output
    assert f"    fleet {name}" in shown.output.partition("Examples:")[2]


# What scripts run to know how a fleet is.
READING = (
    *("audit", "capacity", "certs", "cis", "consistency", "ctx", "describe", "diff", "exec"),
    *("explain", "kubectl", "report", "status", "support", "watch"),
)


@pytest.mark.parametrize("name", READING)
def test_a_command_that_reads_says_what_its_exit_status_means(name: str) -> None:
    shown = CliRunner().invoke(cli, [name, "--help"], prog_name="fleet")
    assert shown.exit_code == 0, shown.output
    assert re.search(r"Exit status:\n +0 +\S", shown.output), shown.output


@pytest.mark.parametrize("name", ["stack", "toolchain", "bundle", "image"])
def test_the_builders_are_subcommands(name: str) -> None:
    shown = CliRunner().invoke(cli, ["build", name, "--help"], prog_name="fleet")
    assert shown.exit_code == 0, shown.output
    assert f"Usage: fleet build {name}" in shown.output
    assert "python -m" not in shown.output


def test_an_unknown_subcommand_is_rejected() -> None:
    refused = CliRunner().invoke(cli, ["upp"])
    assert refused.exit_code == 2
    assert "No such command 'upp'" in refused.output


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_completion(shell: str) -> None:
    shown = CliRunner().invoke(cli, ["completion", shell])
    assert shown.exit_code == 0
    assert "_FLEET_COMPLETE" in shown.output


@pytest.mark.parametrize(
    ("words", "completed"),
    [("fleet pre", "preview"), ("fleet up d", "dev"), ("fleet pulumi --stack p", "prod")],
)
def test_commands_and_stacks_are_completed(words: str, completed: str) -> None:
    count = str(len(words.split()) - 1)
    variables = {"_FLEET_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": count}
    shown = subprocess.run(
        [str(FLEET)], env=variables, cwd="/", capture_output=True, text=True, check=True
    )
    assert shown.stdout == f"plain,{completed}\n"
