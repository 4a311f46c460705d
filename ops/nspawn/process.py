"""The process of a machine: systemd-nspawn with the machine's systemd inside.

On a host whose PID 1 is systemd, a transient unit with delegated cgroups runs it. Elsewhere it is
a detached process that outlives the program, in cgroups below the program's own. When the machine
reboots, its nspawn ends and is started again: by systemd, or by its keeper, a shell that waits.
"""

import os
import shutil
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ops.errors import OperatorError
from ops.nspawn.cgroup import Cgroups
from ops.nspawn.command import run, succeeds
from ops.nspawn.network import namespace
from ops.nspawn.runtime import Process, Runtime, children, command_line, start_time
from ops.nspawn.spec import MachineSpec
from ops.wait import Found, NotYet, wait_until

BOOT_SECONDS = 60
POLL_SECONDS = 0.02
SSH_PORT = 22
NSPAWN_FILES = Path("/run/systemd/nspawn")
SYSTEMD = Path("/run/systemd/system")  # sd_booted(3)
# nspawn's exit status after a reboot: with --keep-unit, it leaves it to others to start the machine
# again.
REBOOTED = 133
# The keeper is a shell in a session of its own that is left to PID 1, so that neither a signal to
# the program reaches it nor its end depends on the program. It stays outside of the machine's
# cgroups, where cgroup v2 wants no process beside those that nspawn makes. Arguments: the two
# scripts below, where the console goes, the files of the cgroups, and the command. The keeper's id
# is printed.
DETACH = """
set -e
cd /
keep=$1 enter=$2 log=$3
shift 3
setsid sh -c "$keep" "$enter" "$@" >"$log" 2>&1 </dev/null &
echo $!
"""
KEEP = f"""
while sh -c "$0" enter "$@"; [ $? = {REBOOTED} ]; do :; done
"""
# A process enters the cgroups and becomes nspawn.
ENTER = """
while [ "$1" != -- ]; do echo $$ >"$1" || exit; shift; done
shift
exec "$@"
"""


def start(spec: MachineSpec, root: Path) -> None:
    """Boot the machine; return when its SSH port is open."""
    arguments = _nspawn(spec, root)
    if SYSTEMD.is_dir():
        runtime = Runtime.of(Cgroups(()))
        parent = _start_unit(spec, arguments)
    else:
        cgroups = Cgroups.below_caller(spec.unit)
        Runtime.of(cgroups).write(spec)
        cgroups.create()
        cgroups.limit(spec.cpus, spec.memory)
        parent = _start_detached(spec, arguments, cgroups)
        runtime = Runtime.of(cgroups, keeper=Process.of(parent))
        runtime.write(spec)
    leader = _await_leader(spec, parent)
    replace(runtime, leader=Process.of(leader)).write(spec)
    _await_ssh(spec, leader)


def runtime_of(spec: MachineSpec) -> Runtime | None:
    """Return the machine's record, brought up to date if the machine has rebooted since."""
    runtime = Runtime.read(spec)
    if runtime is None or runtime.alive:
        return runtime
    parent = _main_process(spec) if SYSTEMD.is_dir() else runtime.running_keeper
    if leader := _leader_below(parent):
        runtime = replace(runtime, leader=Process.of(leader))
        runtime.write(spec)
    return runtime


def limit(spec: MachineSpec) -> None:
    """Apply the spec's limits to the running machine."""
    if SYSTEMD.is_dir():
        run("systemctl", "set-property", "--runtime", _unit(spec), *_limits(spec))
    elif runtime := runtime_of(spec):
        runtime.cgroups.limit(spec.cpus, spec.memory)


def stop(spec: MachineSpec, root: Path) -> None:
    """Stop the machine, even if it is incomplete, and remove nspawn's records of it."""
    runtime = runtime_of(spec)
    cgroups = runtime.cgroups if runtime else Cgroups(())
    if runtime is not None and runtime.running_keeper:
        # First, or it would start the machine again.
        with suppress(ProcessLookupError):
            os.kill(runtime.running_keeper, signal.SIGKILL)
    if not SYSTEMD.is_dir() and not cgroups.folders:
        cgroups = Cgroups.find(spec.unit)
    if runtime is not None and runtime.alive:
        # Killing its PID 1 ends all of the machine, and nspawn cleans up.
        with suppress(ProcessLookupError):
            os.kill(runtime.leader.id, signal.SIGKILL)
        cgroups.drained()
    if SYSTEMD.is_dir():
        succeeds("systemctl", "kill", "--signal=KILL", _unit(spec))
        succeeds("systemctl", "stop", _unit(spec))
        succeeds("systemctl", "reset-failed", _unit(spec))
    cgroups.kill()
    cgroups.remove()
    _forget(spec, root)


def _forget(spec: MachineSpec, root: Path) -> None:
    """Remove the leftovers in /run of an nspawn that was killed."""
    Runtime.forget(spec)
    shutil.rmtree(NSPAWN_FILES / "propagate" / spec.link, ignore_errors=True)
    with suppress(OSError):
        found = root.stat()
        (NSPAWN_FILES / "locks" / f"inode-{found.st_dev}:{found.st_ino}").unlink()


def _nspawn(spec: MachineSpec, root: Path) -> list[str]:
    return [
        "systemd-nspawn", f"--directory={root}",
        # The machine's name on this host is short and unique across fleets.
        f"--machine={spec.link}", f"--hostname={spec.hostname}",
        "--boot", "--register=no", "--keep-unit", "--console=pipe",
        "--link-journal=no", "--resolv-conf=off", "--timezone=off",
        f"--network-namespace-path={namespace(spec)}",
        "--capability=all", "--system-call-filter=@known",
        "--bind=/dev/kmsg", f"--bind={spec.folder}/containerd:/var/lib/containerd",
    ]  # fmt: skip


def _environment() -> dict[str, str]:
    # Of the kernel's settings a machine may change those of its own network only: the others are
    # the host's, and would outlive the machine.
    return {"PATH": os.environ["PATH"], "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"}


def _start_detached(spec: MachineSpec, arguments: list[str], cgroups: Cgroups) -> int:
    environment = [f"{key}={value}" for key, value in _environment().items()]
    printed = run(
        "sh", "-c", DETACH, "detach", KEEP, ENTER, f"{spec.folder}/log",
        *cgroups.procs_files, "--",
        "env", "--ignore-environment", *environment, *arguments,
    )  # fmt: skip
    return int(printed)


def _unit(spec: MachineSpec) -> str:
    return f"{spec.unit}.service"


def _limits(spec: MachineSpec) -> list[str]:
    return [f"CPUQuota={spec.cpus * 100:.0f}%", f"MemoryMax={spec.memory}"]


def _start_unit(spec: MachineSpec, arguments: list[str]) -> int:
    settings = ["Delegate=yes", "TasksMax=infinity", "LimitNOFILE=1048576", *_limits(spec)]
    run(
        "systemd-run", "--quiet", f"--unit={_unit(spec)}", "--collect",
        f"--description=kubeadm-fleet machine {spec.hostname}",
        *(f"--property={setting}" for setting in settings),
        f"--property=SuccessExitStatus={REBOOTED}", f"--property=RestartForceExitStatus={REBOOTED}",
        f"--property=StandardOutput=file:{spec.folder}/log", "--property=StandardError=inherit",
        *(f"--setenv={key}={value}" for key, value in _environment().items()),
        "--", *arguments,
    )  # fmt: skip
    return _main_process(spec)


def _main_process(spec: MachineSpec) -> int:
    return int(run("systemctl", "show", "--property=MainPID", "--value", _unit(spec)))


def _await_leader(spec: MachineSpec, parent: int) -> int:
    """Return the PID of the machine's PID 1; `parent` is its nspawn, or its keeper."""
    return _await(
        spec, parent, "the machine's systemd to start", lambda: _leader_below(parent) or None
    )


def _leader_below(parent: int) -> int:
    """Return the PID of the machine's PID 1: the child of nspawn; 0 if there is none."""
    for child in children(parent) if parent else ():
        command = command_line(child)
        found = _leader_below(child) if "nspawn" in command else child * ("systemd" in command)
        if found:
            return found
    return 0


def _await_ssh(spec: MachineSpec, leader: int) -> None:
    host = spec.bare_address

    _await(spec, leader, f"SSH on {host} to answer", lambda: answers(host) or None)


def answers(host: str) -> bool:
    """Whether SSH answers there."""
    with suppress(OSError), socket.create_connection((host, SSH_PORT), timeout=1) as answer:
        return answer.recv(4) == b"SSH-"
    return False


def _await(spec: MachineSpec, process: int, what: str, look: Callable[[], Found | None]) -> Found:
    """Wait for the result of `look`, as long as the machine's process runs."""

    def failure(why: str) -> OperatorError:
        log = (spec.folder / "log").read_text(errors="replace")[-2000:]
        return OperatorError(
            f"{spec.hostname}: {why} while waiting for {what}; "
            f"console output:\n{log.strip() or '(none)'}"
        )

    def check() -> Found:
        if (found := look()) is not None:
            return found
        if start_time(process) < 0:
            raise failure("the machine exited")
        raise NotYet

    passed = f"{BOOT_SECONDS} s passed"
    return wait_until(check, BOOT_SECONDS, lambda _: failure(passed), poll_seconds=POLL_SECONDS)
