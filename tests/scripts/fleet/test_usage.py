"""Wrong and unusual ways to run the command."""

import os
import signal
import subprocess
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from ops.errors import OperatorError
from ops.pulumi import stack_file
from ops.pulumi.stack_file import StackFileError
from ops.pulumi.workspace import Workspace
from scripts.fleet.__main__ import cli
from scripts.fleet.commands import status
from scripts.fleet.nodes import read_nodes
from tests.scripts.conftest import TOP

FLEET = TOP / ".venv" / "bin" / "fleet"


def in_shell(
    line: str, *, folder: Path = TOP, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run a line of the shell, in which `fleet` is the command."""
    return subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env={**os.environ, **variables, "PATH": f"{FLEET.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("name", ["down", "kubeconfig", "preview", "refresh", "status", "up"])
@pytest.mark.parametrize("stack", [["lost"], ["-s", "lost"], ["lost", "--stack", "lost"]])
def test_the_stack_is_an_argument_or_an_option(name: str, stack: list[str]) -> None:
    ended = CliRunner().invoke(cli, [name, *stack])
    assert "no stack file Pulumi.lost.yaml" in str(ended.exception)


def test_the_named_stack_is_preferred_to_that_of_the_environment() -> None:
    ended = CliRunner(env={"FLEET_STACK": "dev"}).invoke(cli, ["status", "lost"])
    assert "no stack file Pulumi.lost.yaml" in str(ended.exception)
    ended = CliRunner(env={"FLEET_STACK": "lost"}).invoke(cli, ["status"])
    assert "no stack file Pulumi.lost.yaml" in str(ended.exception)


def test_two_stacks_are_rejected() -> None:
    ended = CliRunner().invoke(cli, ["status", "dev", "--stack", "prod"])
    assert ended.exit_code == 2
    assert "two stacks are named, dev and prod: name one" in ended.output


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Pulumi.dev.yaml", "Pulumi.dev.yaml is not the name of a stack: its name is dev"),
        ("./stacks/Pulumi.dev.yaml", "is not the name of a stack: its name is dev"),
        ("a/b", "a/b is not the name of a stack: letters, digits, -, _ and ."),
        ("", "is not the name of a stack"),
    ],
)
@pytest.mark.parametrize("option", [[], ["--stack"]])
def test_a_file_is_not_a_stack(text: str, hint: str, option: list[str]) -> None:
    ended = CliRunner().invoke(cli, ["up", *option, text])
    assert ended.exit_code == 2
    assert hint in " ".join(ended.output.split())


def test_the_nearest_subcommand_is_suggested() -> None:
    ended = CliRunner().invoke(cli, ["stauts"])
    assert ended.exit_code == 2
    assert "No such command 'stauts'. Did you mean status?" in ended.output
    assert "Did you mean" not in CliRunner().invoke(cli, ["kubectl"]).output


def test_the_version_is_that_of_the_project() -> None:
    version = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["version"]
    assert CliRunner().invoke(cli, ["--version"]).output == f"kubeadm-fleet {version}\n"


def test_an_interrupted_command_has_a_status_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(status.command, "callback", interrupt)
    assert CliRunner().invoke(cli, ["status"]).exit_code == 128 + signal.SIGINT


def test_output_that_cannot_be_written_is_one_message() -> None:
    ended = in_shell("fleet explain cluster1 > /dev/full")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "fleet: No space left on device\n"


def test_a_folder_that_cannot_be_made_is_named() -> None:
    ended = in_shell("fleet up", KUBEADM_FLEET_STATE="/proc/state")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "fleet: No such file or directory: /proc/state\n"


@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_failure(closed: str) -> None:
    ended = in_shell(f"fleet explain cluster1 {closed}")
    assert (ended.returncode, ended.stderr) == (0, "")
    ended = in_shell(f"fleet status lost {closed}")
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)


def test_a_reader_that_ends_early_is_no_failure() -> None:
    ended = in_shell("fleet explain cluster1 | head --lines 1")
    assert (ended.stdout.split(), ended.stderr) == (["PATH", "VALUE", "FROM", "WHERE"], "")


@pytest.mark.parametrize("content", ["a: [", "", "[]", "kind: Config", "clusters: [1]"])
def test_a_file_that_is_no_kubeconfig_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "cluster1"
    file.write_text(content)
    with pytest.raises(OperatorError, match=rf"^{file} is not a kubeconfig: remove it and run "):
        read_nodes([file])


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\xff\xfe", "codec can't decode"), (b"config: [", "line 1: expected the node content")],
)
def test_a_stack_file_that_cannot_be_read_is_one_line(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_bytes(content)
    with pytest.raises(StackFileError, match=rf"^{file}: not a stack file: .*{reason}.*$"):
        stack_file.read(file)


def test_relative_folders_mean_the_same_to_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"KUBEADM_FLEET_STATE": "a state", "XDG_CACHE_HOME": "cache", "KUBEADM_FLEET_CACHE": ""}
    passed = Workspace("dev", tmp_path, given).environment()
    assert passed["KUBEADM_FLEET_STATE"] == f"{tmp_path}/a state"
    assert passed["XDG_CACHE_HOME"] == f"{tmp_path}/cache"
    assert passed["KUBEADM_FLEET_CACHE"] == ""


def test_another_stack_of_the_environment_is_not_passed_on() -> None:
    given = {"PULUMI_STACK": "prod", "PULUMI_OPTION_STACK": "prod"}
    passed = Workspace("dev", Path("/nonexistent"), given).environment()
    assert passed["PULUMI_STACK"] == "dev"
    assert "PULUMI_OPTION_STACK" not in passed


@pytest.mark.parametrize("backend", [{}, {"PULUMI_BACKEND_URL": "s3://states"}])
def test_the_engine_downloads_no_plugin(backend: dict[str, str], tmp_path: Path) -> None:
    passed = Workspace("dev", tmp_path, backend).environment()
    assert passed["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"
