"""scripts/setup.sh on machines with and without missing packages."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.scripts.conftest import copy_checkout

SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin")
# Read by the script's bash before the script itself, and by no other one.
TRACING = 'unset BASH_ENV\nexec {BASH_XTRACEFD}>"${BASH_SOURCE[0]}.trace"\nset -x\n'
# What the script starts with these programs when something is missing; what it looks with.
PYTHON = re.compile(r"^\++ (?:env -u \S+ )?\S*\b(?:python3?|uv) (.+)$", re.MULTILINE)
INSTALLATION = ("-m venv", "-m pip", "pip sync", "-m compileall", "-c 'import scripts.")
LOOK = re.compile(r"-c 'import (sys; sys\.exit\(.*\)|ensurepip, venv)'")
AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")


@dataclass(frozen=True)
class Machine:
    """A PATH from which commands can be removed, and an apt-get that records its calls."""

    checkout: Path
    commands: Path
    apt_calls: Path

    def setup(self, level: str, *prefix: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """Run setup.sh of the checkout."""
        return subprocess.run(
            [*prefix, str(self.checkout / "scripts" / "setup.sh"), level],
            env={**os.environ, "PATH": str(self.commands), **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def traced(self, level: str) -> "tuple[subprocess.CompletedProcess[str], list[str]]":
        """Run setup.sh; return also with which arguments it started Python and uv."""
        tracing = self.commands.parent / "tracing"
        tracing.write_text(TRACING)
        finished = self.setup(level, BASH_ENV=str(tracing))
        trace = tracing.with_name("tracing.trace")
        started = PYTHON.findall(trace.read_text())
        trace.unlink()
        return finished, started

    def lacks(self, *commands: str) -> None:
        """Remove commands, as if their package were not installed."""
        for command in commands:
            (self.commands / command).unlink()

    def write_command(self, name: str, script: str) -> None:
        """Replace a command by a shell script."""
        (self.commands / name).unlink(missing_ok=True)
        (self.commands / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.commands / name).chmod(0o755)


@pytest.fixture(scope="module")
def checkout(public_folder: Path) -> Path:
    return copy_checkout(public_folder / "checkout")


@pytest.fixture
def machine(checkout: Path, public_folder: Path) -> Iterator[Machine]:
    commands = public_folder / "commands"
    commands.mkdir()
    # This interpreter stands for the system's Python, wherever it comes from.
    (commands / "python3").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    for folder in SYSTEM_FOLDERS:
        for command in Path(folder).iterdir():
            link = commands / command.name
            if not command.name.startswith("python3") and not link.is_symlink():
                link.symlink_to(command)
    calls = public_folder / "apt-calls"
    calls.touch()
    made = Machine(checkout, commands, calls)
    # Like a machine with old package lists: nothing can be installed before an update.
    made.write_command(
        "apt-get",
        f'echo "$*" >>{calls}\n'
        'case "$*" in\n'
        f"update) touch {public_folder}/updated ;;\n"
        f"*) test -e {public_folder}/updated && ln -s /bin/true {commands}/mmdebstrap ;;\n"
        "esac",
    )
    yield made
    for path in commands.iterdir():
        path.unlink()
    commands.rmdir()
    calls.unlink()
    (public_folder / "updated").unlink(missing_ok=True)


def compiled_at_start(checkout: Path) -> list[str]:
    """Return what each start of the program has to compile where it may not write the result."""
    imports = "import scripts.fleet.status_command, scripts.fleet.stack_status, ops.hosts.session"
    python = str(checkout / ".venv/bin/python")
    words = [python, "-B", "-v", "-c", imports]
    said = subprocess.run(words, cwd=checkout, capture_output=True, text=True, check=True).stderr
    sources = re.findall(r"^# code object from '(.+\.py)'$", said, re.MULTILINE)
    assert "# code object from" in said
    return [each for each in sources if each.startswith(str(checkout))]


def times_of(checkout: Path) -> dict[Path, int]:
    """Return when each file was changed."""
    return {path: path.lstat().st_mtime_ns for path in checkout.rglob("*")}


@pytest.mark.slow
def test_the_first_run_creates_the_venv_and_the_second_does_nothing(machine: Machine) -> None:
    first, installation = machine.traced("tests")
    assert first.returncode == 0, first.stderr
    assert "==> .venv … " in first.stdout
    imported = [str(machine.checkout / ".venv/bin/python"), "-c", "import pulumi, paramiko, pytest"]
    assert subprocess.run(imported, check=False).returncode == 0
    assert compiled_at_start(machine.checkout) == []

    for part in INSTALLATION:
        assert any(part in each for each in installation), (part, installation)

    before = times_of(machine.checkout)
    second, looks = machine.traced("tests")
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert times_of(machine.checkout) == before
    assert 0 < len(looks) <= 4
    assert all(map(LOOK.fullmatch, looks)), looks
    assert machine.apt_calls.read_text() == ""


@pytest.mark.slow
def test_changed_requirements_are_installed_again(machine: Machine) -> None:
    machine.setup("preview")
    requirements = machine.checkout / "requirements.txt"
    requirements.write_text(requirements.read_text() + "# changed\n")
    again = machine.setup("preview")
    assert again.returncode == 0, again.stderr
    assert "==> .venv … " in again.stdout


@pytest.mark.slow
@pytest.mark.parametrize("broken", ["gone", "of another version"])
def test_the_fleet_command_is_written_again(machine: Machine, broken: str) -> None:
    machine.setup("preview")
    command = machine.checkout / ".venv/bin/fleet"
    written = command.read_text()
    script = machine.checkout / "scripts/setup.sh"
    text = script.read_text()
    if broken == "gone":
        command.unlink()
    else:
        script.write_text(text.replace("import os\n", "import os  # changed\n"))
    assert machine.setup("preview").returncode == 0
    assert ("# changed" in command.read_text()) == (broken != "gone")
    script.write_text(text)
    assert machine.setup("preview").returncode == 0
    assert command.read_text() == written
    shown = subprocess.run([str(command), "--help"], cwd="/", capture_output=True, check=True)
    assert b"Usage: fleet" in shown.stdout


@pytest.mark.slow
def test_a_hash_mismatch_is_rejected_and_repaired_by_the_next_run(machine: Machine) -> None:
    machine.setup("preview")
    requirements = machine.checkout / "requirements.txt"
    right = requirements.read_text()
    block = right[right.index("\nclick==") :].split("\n", 2)
    wrong = right.replace(f"{block[1]}\n", "click==8.5.0 \\\n", 1)
    assert wrong != right
    requirements.write_text(wrong)
    refused = machine.setup("preview")
    assert refused.returncode != 0
    assert "click" in refused.stderr
    requirements.write_text(right)
    assert machine.setup("preview").returncode == 0
    assert machine.setup("preview").stdout == ""


def test_a_user_without_root_is_told_what_to_install(machine: Machine) -> None:
    machine.lacks("mmdebstrap", "gcc")
    failed = machine.setup("machines", *AS_NOBODY)
    assert failed.returncode == 1
    assert "setup: missing packages: gcc mmdebstrap" in failed.stderr
    assert "sudo apt-get install --no-install-recommends gcc mmdebstrap" in failed.stderr
    assert machine.apt_calls.read_text() == ""


def test_without_apt_the_missing_packages_are_named(machine: Machine) -> None:
    machine.lacks("apt-get", "mmdebstrap")
    failed = machine.setup("machines")
    assert failed.returncode == 1
    assert "missing here: mmdebstrap" in failed.stderr


@pytest.mark.root
def test_root_installs_only_what_is_missing_and_updates_the_lists_only_if_needed(
    machine: Machine,
) -> None:
    machine.lacks("mmdebstrap")
    done = machine.setup("machines")
    assert done.returncode == 0, done.stderr
    install = "install --yes --no-install-recommends -o DPkg::Lock::Timeout=300 mmdebstrap"
    assert machine.apt_calls.read_text().splitlines() == [install, "update", install]

    machine.lacks("mmdebstrap")
    assert machine.setup("machines").returncode == 0
    assert machine.apt_calls.read_text().splitlines()[3:] == [install]


@pytest.mark.root
def test_when_apt_fails_its_reason_is_shown(machine: Machine) -> None:
    machine.lacks("mmdebstrap")
    machine.write_command("apt-get", "echo 'E: no space left' >&2; exit 100")
    failed = machine.setup("machines")
    assert failed.returncode == 1
    assert "E: no space left" in failed.stderr
    assert "apt-get could not install mmdebstrap" in failed.stderr


def test_a_preview_needs_no_packages_for_machines(machine: Machine) -> None:
    machine.lacks("mmdebstrap", "systemd-nspawn", "gcc", "sshd")
    assert machine.setup("preview").returncode == 0


def test_an_unknown_level_is_rejected(machine: Machine) -> None:
    refused = machine.setup("everything")
    assert refused.returncode == 1
    assert "allowed are preview, unit, bundle, machines, tests, prove" in refused.stderr


@pytest.mark.slow
def test_promtool_is_taken_out_of_its_package(
    machine: Machine, public_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, package = public_folder / "cache", public_folder / "package"
    monkeypatch.setenv("KUBEADM_FLEET_CACHE", str(cache))
    (package / "DEBIAN").mkdir(parents=True)
    (package / "DEBIAN/control").write_text(
        "Package: prometheus\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n"
    )
    (package / "usr/bin").mkdir(parents=True)
    (package / "usr/bin/promtool").write_text("#!/bin/sh\necho checked\n")
    (package / "usr/bin/promtool").chmod(0o755)
    deb = public_folder / "prometheus_1_all.deb"
    subprocess.run(["dpkg-deb", "--build", str(package), str(deb)], check=True, capture_output=True)
    machine.write_command("apt-get", "echo 'E: no such package' >&2; exit 100")
    failed = machine.setup("tests")
    assert failed.returncode == 1
    assert "E: no such package" in failed.stderr
    assert "could not download the package prometheus" in failed.stderr
    assert list(cache.iterdir()) == []
    # As with the lists of packages: there is nothing before an update.
    updated = public_folder / "updated"
    machine.write_command(
        "apt-get",
        f'case "$*" in update) touch {updated} ;; *) test -e {updated} && cp {deb} . ;; esac',
    )
    done = machine.setup("tests")
    assert done.returncode == 0, done.stderr
    assert subprocess.run([cache / "promtool"], capture_output=True).stdout == b"checked\n"
    assert [each.name for each in cache.iterdir()] == ["promtool"]
    assert machine.setup("tests").stdout == ""
