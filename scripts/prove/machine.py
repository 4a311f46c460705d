"""A minimal machine: a root file system and namespaces; it ends with its first process.

Mounts, processes, network and cgroups are its own, so everything that it creates, container
machines included, disappears from this host with it, however it ends.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.build.cache_entry import BuildError
from scripts.build.shell import DIES_WITH_PARENT
from scripts.prove import cgroups, registries

ENTER = Path(__file__).with_name("enter.sh")
NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--net", "--ipc", "--uts")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
START_SECONDS = 30
END_SECONDS = 20
POLL_SECONDS = 0.05


def run(root: Path, script: str, shared: Path | None) -> int:
    """Run a script of bash on a machine with this root; return its exit status.

    `shared` is a cache of this host that the machine uses, in the same place.
    """
    environment = {
        **registries.environment(), "PATH": PATH, "HOME": "/root",
        "ARGS": os.environ.get("ARGS", ""),
    }  # fmt: skip
    if shared:
        environment["KUBEADM_FLEET_CACHE"] = str(shared)
    command = [*DIES_WITH_PARENT, *NAMESPACES, "--cgroup", str(ENTER), str(root), str(shared or "")]
    with cgroups.entering() as enter:
        machine = subprocess.Popen(
            [*enter, *command, script], env=environment, stdin=subprocess.DEVNULL
        )
        try:
            with _network(machine):
                return machine.wait()
        finally:
            machine.kill()
            machine.wait()


@contextmanager
def _network(machine: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Carry the machine's packets through a process of this host, whose own network stays as is."""
    namespace = Path(f"/proc/{machine.pid}/ns/net")
    deadline = time.monotonic() + START_SECONDS
    while not namespace.exists() or namespace.samefile("/proc/self/ns/net"):
        if machine.poll() is not None or time.monotonic() > deadline:
            raise BuildError("the machine did not start (output above)")
        time.sleep(POLL_SECONDS)
    carrier = subprocess.Popen(
        [
            *DIES_WITH_PARENT, "slirp4netns", "--configure", "--mtu=65520",
            "--disable-host-loopback", "--netns-type=path", str(namespace), "tap0",
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        carrier.terminate()
        carrier.wait()


def remove(root: Path) -> None:
    """Remove the root once the kernel has released it."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    if inside := [mount for mount in mounts if mount.startswith(f"{root}/")]:
        raise BuildError(f"unmount {', '.join(inside)}, then remove {root}")
    deadline = time.monotonic() + END_SECONDS
    while True:
        try:
            return shutil.rmtree(root)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)
