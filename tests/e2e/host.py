"""What a fleet could leave behind on this host, so that a test can compare before and after."""

import subprocess
from pathlib import Path


def traces() -> dict[str, set[str]]:
    """Return everything of the kinds that machines are made of."""
    return {
        "processes": _machine_processes(),
        "mounts": {line.split()[4] for line in _lines("/proc/self/mountinfo")},
        "namespaces": set(_run("ip", "netns", "list").split("\n")),
        "links": {line.split(":")[1].strip() for line in _run("ip", "-o", "link").splitlines()},
        "cgroups": {str(path) for path in Path("/sys/fs/cgroup").glob("*/**/") if path.is_dir()},
        "nftables": set(_run("nft", "list", "tables").splitlines()),
    }


def _machine_processes() -> set[str]:
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if "systemd-nspawn" in command or "containerd" in command:
            found.add(f"{folder.name} {command}")
    return found


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
