"""Host facts: the typed output of scripts/node/host_facts.sh."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

from model.well_known import ARCHITECTURES
from ops.errors import OperatorError
from ops.hosts.routes import Route

# The first line of scripts/node/host_facts.sh.
BEGIN = "facts\tbegin\n"


@dataclass(frozen=True)
class Claim:
    """The owner of a host: fleet, machine name, and a mark that identifies the enrollment."""

    fleet: str
    machine: str
    mark: str

    @classmethod
    def parse(cls, line: str) -> "Claim | None":
        """Parse the claim file of a host; None if there is none."""
        parts = line.strip("\n").split("\t")
        return cls(*parts) if len(parts) == 3 else None


class Listener(NamedTuple):
    """A listening TCP socket; what is unknown is ""."""

    port: int
    program: str
    pid: str
    service: str

    @classmethod
    def parse(cls, text: str) -> "Listener":
        """Parse PORT,PROGRAM,PID,SERVICE with "-" for what is unknown."""
        port, *others = text.split(",")
        return cls(int(port), *("" if word == "-" else word for word in others))


class FactsSummary(TypedDict):
    """The facts in the stack's state."""

    os: str
    kernel: str
    arch: str
    cpus: int
    memoryMiB: int


@dataclass(frozen=True)
class Facts:
    """The facts of a host. Sizes are in KiB, `clock` is in seconds since 1970.

    `login_output` is what the login shell prints by itself. `root_refusal` is the reason why root
    is unavailable; None if it is available. `package_arch` is dpkg's architecture, by its own name.
    `swaps` are the sizes of the swap devices and files, `inactive_swaps` units of swap that the
    next boot would start; `free_inodes` is None where they are not limited; `mounts` are folders
    with what is wrong with their file system; `later_settings` are kernel settings (file, name,
    value) that the next boot would apply after ours; `addresses` are interfaces with an IPv4
    address each; `proxies` are files that set a proxy; `resolver` is the file that pods would have
    their `nameservers` from.

    What scripts/node/host_facts.sh finds of others: `files` in the way of ours, `folders` with
    content, `symlinks` in their place, `volumes` (folders with more in them that is mounted),
    `cni` configurations, network `links`, firewall `chains`, and `services` that are running, or
    stopped and enabled.
    """

    login_output: str
    root_refusal: str | None
    clock: int
    machine_id: str
    os: str
    os_family: frozenset[str]
    init: str
    arch: str
    package_arch: str
    kernel: str
    cpus: int
    memory_kib: int
    swaps: Mapping[str, int]
    inactive_swaps: tuple[str, ...]
    free_kib: int
    free_inodes: int | None
    mounts: tuple[tuple[str, str], ...]
    has_modules: bool
    missing_modules: tuple[str, ...]
    missing_controllers: tuple[str, ...]
    is_selinux_enforcing: bool
    is_clock_synchronized: bool
    later_settings: tuple[tuple[str, ...], ...]
    proxies: tuple[str, ...]
    addresses: tuple[tuple[str, str], ...]
    listeners: tuple[Listener, ...]
    routes: tuple[Route, ...]
    resolver: str
    nameservers: tuple[str, ...]
    files: tuple[str, ...]
    folders: tuple[str, ...]
    symlinks: tuple[tuple[str, str], ...]
    volumes: tuple[str, ...]
    cni: tuple[str, ...]
    links: tuple[str, ...]
    chains: tuple[str, ...]
    services: tuple[str, ...]
    stopped_services: tuple[str, ...]
    packages: tuple[str, ...]
    claim: Claim | None
    artifacts_digest: str
    is_member: bool = False

    @classmethod
    def parse(cls, text: str, where: object) -> "Facts":
        """Parse the output of host_facts on the host `where`."""
        printed, begin, lines = text.partition(BEGIN)
        said = dict(line.split("\t", 1) for line in lines.splitlines() if "\t" in line)
        try:
            if not begin or "complete" not in said:
                raise ValueError("the output was truncated")
            return cls(
                login_output=printed.strip(),
                root_refusal=None if said["root"] == "yes" else said["root"],
                clock=int(said["clock"]),
                machine_id=said["machine_id"],
                os=said["os"],
                os_family=frozenset(said["os_family"].split()),
                init=said["init"],
                arch=ARCHITECTURES.get(said["arch"], said["arch"]),
                package_arch=said["package_arch"],
                kernel=said["kernel"],
                cpus=int(said["cpus"]),
                memory_kib=int(said["memory_kib"]),
                swaps={name: int(size) for name, size in _pairs(said["swaps"])},
                inactive_swaps=tuple(said["inactive_swaps"].split()),
                free_kib=int(said["free_kib"]),
                free_inodes=None if said["free_inodes"] == "-" else int(said["free_inodes"]),
                mounts=_pairs(said["mounts"]),
                has_modules=said["modules"] == "yes",
                missing_modules=tuple(said["missing_modules"].split()),
                missing_controllers=tuple(said["missing_controllers"].split()),
                is_selinux_enforcing=said["selinux"] == "enforcing",
                is_clock_synchronized=said["synchronized"] != "no",
                later_settings=tuple(
                    tuple(word.split(",")) for word in said["later_settings"].split()
                ),
                proxies=tuple(said["proxies"].split()),
                addresses=_pairs(said["addresses"]),
                listeners=tuple(map(Listener.parse, said["listeners"].split())),
                routes=tuple(map(Route.parse, said["routes"].split())),
                resolver=said["resolver"],
                nameservers=tuple(said["nameservers"].split()),
                files=tuple(said["files"].split()),
                folders=tuple(said["folders"].split()),
                symlinks=_pairs(said["symlinks"]),
                volumes=tuple(said["volumes"].split()),
                cni=tuple(said["cni"].split()),
                links=tuple(said["links"].split()),
                chains=tuple(said["chains"].split()),
                services=tuple(said["services"].split()),
                stopped_services=tuple(said["stopped_services"].split()),
                packages=tuple(said["packages"].split()),
                claim=Claim.parse(said["owner"]),
                artifacts_digest=said["artifacts_digest"],
                is_member=said["member"] == "yes",
            )
        except (KeyError, ValueError) as error:
            raise OperatorError(
                f"{where}: the host's facts cannot be parsed ({error!r}): the host needs bash, and "
                "a login shell that runs the given command. The output starts with: "
                f"{text[:200]!r}"
            ) from None

    @property
    def identity(self) -> str | None:
        """Identify the enrollment: a reinstalled host is another machine; None if not enrolled."""
        return f"{self.machine_id}-{self.claim.mark}" if self.claim else None

    @property
    def summary(self) -> FactsSummary:
        """The facts in the stack's state."""
        return {
            "os": self.os,
            "kernel": self.kernel,
            "arch": self.arch,
            "cpus": self.cpus,
            "memoryMiB": self.memory_kib // 1024,
        }


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """Parse words of the form FIRST,SECOND."""
    words = (word.rpartition(",") for word in text.split())
    return tuple((first, second) for first, _, second in words)
