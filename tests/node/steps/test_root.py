"""A sudo password before a command's input: it never becomes part of that input."""

import os
import subprocess
from pathlib import Path

import pytest

from ops.hosts.sudo import root_command, sudo_preamble

# What sudo does with standard input: it reads a line, byte by byte, if it asks for a password.
SUDO = """#!/usr/bin/env bash
until [[ $1 == timeout ]]; do
  [[ $1 == --stdin ]] && stdin=yes
  shift
done
if [[ $ASKS == yes ]]; then
  [[ ${stdin:-} == yes ]] && IFS= read -r given && [[ $given == "$PASSWORD" ]] || exit 1
fi
exec "$@"
"""
PASSWORD = " it's $(a) \\password\t"
TEXT = "\nfirst\n\n  last, without a newline"


def run(folder: Path, password: str | None, *, asks: bool) -> subprocess.CompletedProcess[str]:
    """Run `cat` as root over the sudo above."""
    sudo = folder / "sudo"
    sudo.write_text(SUDO)
    sudo.chmod(0o755)
    command = root_command("cat", sudo=True, needs_password=password is not None, seconds=5)
    return subprocess.run(
        ["bash", "-c", command],
        input=sudo_preamble(password) + TEXT,
        env={
            "PATH": f"{folder}:{os.environ['PATH']}",
            "ASKS": "yes" if asks else "no",
            "PASSWORD": PASSWORD,
        },
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("asks", [True, False])
def test_command_reads_the_input_after_the_password(tmp_path: Path, asks: bool) -> None:
    assert run(tmp_path, PASSWORD, asks=asks).stdout == TEXT


def test_command_without_a_password_reads_the_complete_input(tmp_path: Path) -> None:
    assert run(tmp_path, None, asks=False).stdout == TEXT


@pytest.mark.parametrize("password", [None, "another", PASSWORD.strip()])
def test_command_does_not_run_without_the_password(tmp_path: Path, password: str | None) -> None:
    refused = run(tmp_path, password, asks=True)
    assert (refused.returncode, refused.stdout) == (1, "")


def test_the_password_is_not_in_the_command() -> None:
    assert PASSWORD not in root_command("cat", sudo=True, needs_password=True, seconds=5)


@pytest.mark.parametrize("sudo", [True, False])
def test_command_has_nothing_of_the_host_s_environment(tmp_path: Path, sudo: bool) -> None:
    """kubeadm takes every variable that ends in _proxy, in any case, and a KUBECONFIG."""
    names = ("HTTP_PROXY", "No_Proxy", "KUBECONFIG", "CONTAINERD_ADDRESS", "TAR_OPTIONS", "LANG")
    (tmp_path / "sudo").write_text(SUDO)
    (tmp_path / "sudo").chmod(0o755)
    command = root_command("env", sudo=sudo, needs_password=False, seconds=5)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": "/root", "ASKS": "no"}
    ran = subprocess.run(
        ["bash", "-c", command],
        env=env | dict.fromkeys(names, "of the host"),
        capture_output=True,
        text=True,
    )
    found = dict(line.split("=", 1) for line in ran.stdout.splitlines())
    assert found.keys() - {"PWD", "SHLVL", "_"} == {"HOME", "LC_ALL", "PATH"}, ran.stderr
    assert "/usr/local/bin" in found["PATH"].split(":")
    assert found["HOME"] == "/", "no ~/.kube"
