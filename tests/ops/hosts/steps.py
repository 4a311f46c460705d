"""Node steps on a bare host, run as the program runs them, and the host's resulting state."""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from components.providers.step import function_of
from model.fleet import Artifacts
from model.outbound import Outbound
from model.render import node_scripts
from model.render.machine_files import COMMON_FILES, ManagedFile, machine_files, table
from model.render.node_paths import ARTIFACTS
from ops.hosts import operations
from ops.hosts.operations import Operation
from ops.hosts.ssh import connected
from tests.model.examples import EXISTING, cluster
from tests.ops.hosts.bare import USER
from tests.ops.hosts.bare_hosts import BareHost

DEADLINE_SECONDS = 300
NO_PROXY = Outbound()
BUNDLE = Artifacts("bundle", None)


@dataclass(frozen=True)
class StepResult:
    """A step that ended: its exit status, what the operator saw, and how long it took."""

    status: int
    said: str
    seconds: float


def files_behind(
    outbound: Outbound = NO_PROXY, artifacts: Artifacts = BUNDLE
) -> tuple[ManagedFile, ...]:
    """The files of a worker with this access to the outside."""
    described = replace(cluster(EXISTING), outbound=outbound, artifacts=artifacts)
    return machine_files(described, described.workers[0])


def deliver_files(root: Path, files: Iterable[ManagedFile]) -> None:
    """Put a table of files among the artifacts of the machine with this file system."""
    artifacts = root / ARTIFACTS.lstrip("/")
    text = table(files)
    digest = hashlib.sha256(text.encode()).hexdigest()
    (artifacts / digest).write_text(text)
    rows = (artifacts / "index").read_text().splitlines()
    others = [row for row in rows if row.split("\t")[1] != "files"]
    (artifacts / "index").write_text("\n".join((*others, f"{digest}\tfiles\tmanaged\t-\n")))


def prepare(
    host: BareHost, /, files: Iterable[ManagedFile] = COMMON_FILES, **other: str
) -> StepResult:
    """Run the step `prepare` as the user with sudo; `files` are those that the host is to have."""
    deliver_files(host.root, files)
    settings = {"ROLE": "worker", "KUBERNETES_VERSION": "v1.36.3", **other}
    return step(host, "prepare", **settings)


def step(host: BareHost, script: str, /, password: str | None = None, **other: str) -> StepResult:
    """Run a step as the user with sudo, which may ask the password."""
    identity = host.shell(f"{node_scripts.source('lib')}\nmachine_identity").strip()
    settings = {
        "NODE_NAME": host.name,
        "NODE_ADDRESS": host.address,
        "MACHINE_ID": identity,
        **other,
    }
    operation = Operation(script, tuple(settings), DEADLINE_SECONDS)
    with connected(replace(host.login(USER), sudo=True, sudo_password=password)) as connection:
        began = time.monotonic()
        finished = operations.run(connection, function_of(script), operation, settings)
        took = time.monotonic() - began
    return StepResult(finished.status, finished.out + finished.err, took)


# Of the login that asks; systemd-timedated is started by `timedatectl` and ends by itself after
# half a minute.
PASSING = r"^(ps|grep|sort|bash|sshd|\(sd-pam\)|systemd-timedat)$"


def condition(host: BareHost) -> dict[str, Any]:
    """Everything about a host that a reset must bring back, in comparable form."""
    return {
        name: host.shell(script).splitlines()
        for name, script in {
            "files": "find /etc /opt /srv /usr /home /root /var/lib -xdev -type f"
            " ! -path '/var/lib/apt/*' ! -path '/var/lib/dpkg/*' ! -path '/var/lib/systemd/*'"
            # The former versions of /etc/passwd and the like, which their tools keep.
            " ! -path '/etc/*-' ! -path /etc/ld.so.cache -exec sha256sum {} + | sort -k 2",
            "folders": "find /etc /opt /usr /var/lib -xdev -type d ! -path '/var/lib/apt/*' | sort",
            "links": "find /etc /usr -xdev -type l -printf '%p %l\\n' | sort",
            "packages": "dpkg-query --show",
            "units": "systemctl list-unit-files --no-legend | sort",
            "interfaces": "ip -brief link | awk '{print $1}'",
            "rules": "iptables-save | grep -v '^#'; ip6tables-save | grep -v '^#'; true",
            "sets": "ipset list -name 2>/dev/null; true",
            "settings": "sysctl net.ipv4.ip_forward",
            "processes": f"ps -e -o comm= | grep -vE '{PASSING}' | sort -u",
            "mounts": "awk '{print $5}' /proc/self/mountinfo | grep -v ^/run/user | sort",
            "users": "cat /etc/passwd /etc/group",
        }.items()
    }


def changes(host: BareHost, before: dict[str, Any]) -> dict[str, set[str]]:
    """What of the host's condition is not as it was before."""
    after = condition(host)
    differing = {name: set(after[name]) ^ set(before[name]) for name in before}
    return {name: found for name, found in differing.items() if found}
