"""`fleet ssh` against a real sshd: commands, bytes, exit statuses, and a terminal."""

import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.scripts.conftest import TOP
from tests.scripts.fleet.hosts import Fleet, login
from tests.sshd import KeyPair, Sshd, make_key

MACHINE = "one-control-plane-0"


@pytest.fixture
def fleet(host: Sshd, key: KeyPair, tmp_path: Path) -> Fleet:
    return Fleet(tmp_path, {MACHINE: login(host, key)})


def test_the_exit_status_of_a_command_is_returned(fleet: Fleet) -> None:
    done = fleet.run("ssh", MACHINE, "--", "echo out; echo err >&2; exit 42")
    assert (done.returncode, done.stdout, done.stderr) == (42, b"out\n", b"err\n")


def test_several_arguments_are_passed_unchanged(fleet: Fleet) -> None:
    done = fleet.run("ssh", MACHINE, "--", "printf", "<%s>", "a  b", "$HOME", "it's", "--help")
    assert done.stdout == b"<a  b><$HOME><it's><--help>"


def test_bytes_pass_both_ways_unchanged(fleet: Fleet) -> None:
    """More than any buffer on the way holds, and both ways at once."""
    content = os.urandom(8 << 20)
    assert fleet.run("ssh", MACHINE, "--", "cat", stdin=content).stdout == content


def test_a_closed_output_ends_the_command(fleet: Fleet) -> None:
    shell = " ".join(fleet.arguments("ssh", MACHINE, "--", "yes")) + " | head -n 1"
    done = subprocess.run(["bash", "-c", shell], cwd=TOP, capture_output=True, timeout=60)
    assert (done.stdout, done.stderr) == (b"y\n", b"")


def test_a_command_may_end_before_reading_all_input(fleet: Fleet) -> None:
    read, write = os.pipe()
    try:
        done = subprocess.run(
            fleet.arguments("ssh", MACHINE, "--", "exit 3"), cwd=TOP, stdin=read, timeout=60
        )
    finally:
        os.close(read)
        os.close(write)
    assert done.returncode == 3


def test_an_interrupt_prints_no_traceback(fleet: Fleet) -> None:
    arguments = fleet.arguments("ssh", MACHINE, "--", "echo begun; sleep 60")
    with subprocess.Popen(
        arguments, cwd=TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 130
        assert process.stderr.read() == b""


def test_a_killed_command_is_not_a_lost_connection(fleet: Fleet) -> None:
    done = fleet.run("ssh", MACHINE, "--", "kill -KILL $$")
    assert done.returncode == 255
    assert b"killed by a signal" in done.stderr


def test_the_bastion_is_used(host: Sshd, bastion: Sshd, key: KeyPair, tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, {MACHINE: login(host, key, bastion)})
    before = bastion.log().count("Accepted publickey")
    done = fleet.run("ssh", MACHINE, "--", "echo ${SSH_CONNECTION##* }")
    assert (done.returncode, done.stdout) == (0, f"{host.port}\n".encode())
    assert bastion.log().count("Accepted publickey") == before + 1


@pytest.mark.parametrize("wrong", ["host", "bastion"])
def test_another_host_key_is_rejected(
    host: Sshd, bastion: Sshd, key: KeyPair, tmp_path: Path, wrong: str
) -> None:
    right, other = login(host, key, bastion), make_key().public
    assert right.bastion
    pinned = {
        "host": replace(right, host_key=other),
        "bastion": replace(right, bastion=replace(right.bastion, host_key=other)),
    }
    done = Fleet(tmp_path, {MACHINE: pinned[wrong]}).run("ssh", MACHINE, "--", "echo there")
    assert (done.returncode, done.stdout) == (255, b"")
    assert b"host key mismatch" in done.stderr
    assert b"Traceback" not in done.stderr


def test_an_unpinned_host_key_is_reported(host: Sshd, key: KeyPair, tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, {MACHINE: login(host, key, host_key=None)})
    done = fleet.run("ssh", MACHINE, "--", "echo there")
    assert (done.returncode, done.stdout) == (0, b"there\n")
    assert b"is not pinned, so its identity is not verified" in done.stderr


def test_an_unreachable_host_is_named(host: Sshd, key: KeyPair, tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, {MACHINE: replace(login(host, key), port=1)})
    done = fleet.run("ssh", MACHINE)
    assert done.returncode == 255
    assert b"127.0.0.1:1 cannot be reached" in done.stderr


def test_an_unknown_machine_is_answered_with_similar_names(fleet: Fleet) -> None:
    done = fleet.run("ssh", "one-control-plane-1")
    assert done.returncode == 2
    assert done.stderr.endswith(b"did you mean one-control-plane-0?\n")


class TerminalUser:
    """Somebody at a terminal in which `fleet` runs."""

    def __init__(self, *arguments: str) -> None:
        self.process, self._master = pty.fork()
        if self.process == 0:
            os.chdir(TOP)
            os.execvpe(arguments[0], arguments, {**os.environ, "TERM": "vt220"})
        self.shown = ""

    def resize(self, columns: int, rows: int) -> None:
        termios.tcsetwinsize(self._master, (rows, columns))

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def read_until(self, pattern: str, seconds: float = 20) -> str:
        """Read what is shown until it matches; return what was shown since the last time."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.shown)):
            left = deadline - time.monotonic()
            assert select.select([self._master], [], [], max(left, 0))[0], self.shown
            self.shown += os.read(self._master, 4096).decode(errors="replace")
        before, self.shown = self.shown[: found.end()], self.shown[found.end() :]
        return before

    def is_raw(self) -> bool:
        """Whether keys are passed on as they are."""
        return not termios.tcgetattr(self._master)[3] & (termios.ICANON | termios.ISIG)

    def end(self) -> int:
        """Wait for the end; return the exit status."""
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


@pytest.fixture
def typist(fleet: Fleet) -> TerminalUser:
    """At a shell on the machine, which has a prompt of the test's own."""
    typist = TerminalUser(*fleet.arguments("ssh", MACHINE))
    typist.read_until(r"[#$] ")
    typist.type("PS1='there'; PS1+='> '\n")
    typist.read_until("there> ")
    return typist


def test_a_shell_has_a_terminal_of_the_same_size_and_its_exit_status_is_returned(
    typist: TerminalUser,
) -> None:
    assert typist.is_raw()
    typist.type("echo $TERM; tty\n")
    typist.read_until(r"vt220\r\n/dev/pts/\d+")
    typist.resize(123, 45)
    typist.read_until("there> ")
    for _ in range(50):
        typist.type("stty size\n")
        if "45 123" in typist.read_until(r"\b\d+ \d+\r\n"):
            break
    else:
        raise AssertionError(typist.shown)
    typist.type("exit 7\n")
    assert typist.end() == 7


def test_interrupt_keys_are_sent_to_the_host(typist: TerminalUser) -> None:
    typist.type("sleep 600; echo after-$?\n")
    time.sleep(0.5)
    typist.type("\x03")
    typist.read_until(r"there> ")
    typist.type("echo still-$((40 + 2))\n")
    typist.read_until("still-42")
    typist.type("\x04")
    typist.end()


def test_the_terminal_is_restored_on_sigterm(typist: TerminalUser) -> None:
    os.kill(typist.process, signal.SIGTERM)
    status = None
    while status is None:
        pid, waited = os.waitpid(typist.process, os.WNOHANG)
        status = os.waitstatus_to_exitcode(waited) if pid else None
        time.sleep(0.02)
    assert status == 128 + signal.SIGTERM
    assert not typist.is_raw()
