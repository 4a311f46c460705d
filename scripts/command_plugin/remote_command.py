"""Running a command on another host."""

import contextlib
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from scripts.command_plugin.command_output import CommandOutput, pump
from scripts.command_plugin.connection import connected
from scripts.command_plugin.go_format import quote
from scripts.command_plugin.running_operation import Failure, RunningOperation
from scripts.command_plugin.values import Properties

if TYPE_CHECKING:
    from paramiko import Channel

    from scripts.command_plugin.ssh_transport import SshTransport

PREVIOUS_OUTPUT = {"stdout": "PULUMI_COMMAND_STDOUT", "stderr": "PULUMI_COMMAND_STDERR"}
# Offset between a signal's number and the exit status on Linux.
_SIGNAL_STATUS = 128
_SIGNALS = {
    "HUP": 1,
    "INT": 2,
    "QUIT": 3,
    "ILL": 4,
    "ABRT": 6,
    "FPE": 8,
    "KILL": 9,
    "SEGV": 11,
    "PIPE": 13,
    "ALRM": 14,
    "TERM": 15,
}


def run(command: str, properties: Mapping[str, Any], operation: RunningOperation) -> Properties:
    """Run a command according to a state's properties; return its output.

    The state's stdout and stderr are those of the previous run. Raises Failure when the host cannot
    be reached or the command does not succeed.
    """
    with connected(properties["connection"], operation) as link:
        from scripts.command_plugin.ssh_transport import naming_errors

        with naming_errors("starting a command"):
            channel = _open(link, properties, operation)
            channel.exec_command(command)
        with operation.log.output() as log:
            output = CommandOutput(properties.get("logging"), log)
            with (
                operation.when_cancelled(lambda: link.hang_up(channel)),
                naming_errors("running a command"),
            ):
                _finish(channel, properties.get("stdin") or "", output)
            if ended := operation.cancelled():
                raise output.failure(str(ended), command, ended.code)
            if reason := _failure_of(link, channel):
                raise output.failure(reason, command)
        return output.properties()


def _open(
    link: "SshTransport", properties: Mapping[str, Any], operation: RunningOperation
) -> "Channel":
    """Open a channel with the command's environment set."""
    channel = link.open_session()
    for name, value in (properties.get("environment") or {}).items():
        if not link.set_environment(channel, name, value):
            operation.log.error(_rejected(name))
            raise Failure(f"could not set environment variable {quote(name)}: ssh: setenv failed")
    if properties.get("addPreviousOutputInEnv") is not False:
        for key, name in PREVIOUS_OUTPUT.items():
            previous = properties.get(key)
            if previous and not link.set_environment(channel, name, previous):
                operation.log.warning(_rejected(name))
    return channel


def _rejected(name: str) -> str:
    return (
        f"Unable to set '{name}': the SSH server rejected it. Allow the variable with AcceptEnv in "
        "its sshd_config, or prefix the command with 'VAR=value'."
    )


def _finish(channel: "Channel", stdin: str, output: CommandOutput) -> None:
    """Pump a command's streams until it ends."""
    threads = [
        threading.Thread(target=pump, args=(channel.recv_stderr, output.write_stderr), daemon=True)
    ]
    if stdin:
        threads.append(threading.Thread(target=_feed, args=(channel, stdin), daemon=True))
    else:
        channel.shutdown_write()
    for thread in threads:
        thread.start()
    pump(channel.recv, output.write_stdout)
    channel.status_event.wait()
    for thread in threads:
        thread.join()


def _feed(channel: "Channel", stdin: str) -> None:
    # A command may end without having read all of it.
    with contextlib.suppress(EOFError, OSError):
        channel.sendall(stdin.encode())
        channel.shutdown_write()


def _failure_of(link: "SshTransport", channel: "Channel") -> str | None:
    """Return why the command failed, None if it succeeded."""
    if name := link.ending_signal(channel):
        status = _SIGNAL_STATUS + _SIGNALS.get(name, 0)
        return f"Process exited with status {status} from signal {name}"
    status = channel.exit_status
    if status < 0:
        return "wait: remote command exited without exit status or exit signal"
    return f"Process exited with status {status}" if status else None
