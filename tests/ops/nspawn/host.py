"""The parts of machines on this host, to check that none is left."""

import subprocess
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
NSPAWN = Path("/run/systemd/nspawn")


def parts(*marks: str) -> dict[str, set[str]]:
    """Return everything on this host, by kind, whose name holds one of `marks`.

    The marks (a random owner's hash, a random folder) are this test's alone, so that others may use
    the host meanwhile.
    """
    found = {
        "processes": _processes(),
        "mounts": {line.split()[4] for line in _lines("/proc/self/mountinfo")},
        "namespaces": set(_run("ip", "netns", "list").splitlines()),
        "links": {line.split(":")[1].strip() for line in _run("ip", "-o", "link").splitlines()},
        "cgroups": {str(path) for path in CGROUPS.glob("**/") if path != CGROUPS},
        "nspawn": {str(path) for path in NSPAWN.glob("propagate/*")},
        "rules": set(_run("iptables-save").splitlines()),
    }
    return {
        kind: {each for each in names if any(mark in each for mark in marks)}
        for kind, names in found.items()
    }


def _processes() -> set[str]:
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            cgroup = (folder / "cgroup").read_text()
        except OSError:
            continue
        if command:  # The kernel's own have none.
            found.add(f"{folder.name} {command} {cgroup}")
    return found


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
