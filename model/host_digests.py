"""What a machine reports of itself every 20 seconds, as scripts/node/drift_report.sh writes it.

The report has no content of a file: digests (16 digits of the sha256) of what anybody may know, and
of files with secrets only whether they are the same as declared. docs/adr/0090 has the reasons.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

VERSION = 1
# The sections of a report whose values a digest or a setting is, and what an item of it is called.
ITEMS = {
    "files": "file",
    "programs": "program",
    "sysctls": "sysctl",
    "modules": "module",
    "units": "unit",
    "versions": "version",
}


@dataclass(frozen=True)
class Difference:
    """Something that is not as it was declared.

    `kind` is file, secret, program, sysctl, module, unit, boot (a unit that does not start at a
    boot), drop-in, manifest (a static pod that nobody declared), mode (a file that others may read
    or change), kubeconfig (the kubelet's), job (what a timer starts), etcd (an alarm), swap, clock
    or disk; `name` is a path or a name, `what` the rest of a sentence.
    """

    kind: str
    name: str
    what: str
    since: datetime

    @property
    def text(self) -> str:
        """Return what it is, as people read it."""
        return f"{self.name} {self.what}"


@dataclass(frozen=True)
class HostReport:
    """A machine's report: when it was written, what differs, and the values that it found.

    `certificates` are its leaf certificates with their expiry, `issued` when they began to be valid
    (a report of an earlier version of this program has none), `backup` is when etcd was last
    saved here and `backup_failure` why the last attempt failed ("": it did not). `disks` are
    percentages used, by path. `ahead` is by how many seconds its clock is ahead of the API server's
    (negative: behind; 0: they do not differ), None if that was not measured.
    """

    time: datetime
    items: Mapping[str, str] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    certificates: Mapping[str, datetime] = field(default_factory=dict)
    issued: Mapping[str, datetime] = field(default_factory=dict)
    backup: datetime | None = None
    backup_failure: str = ""
    disks: Mapping[str, int] = field(default_factory=dict)
    ahead: int | None = None


def digests(report: Mapping[str, Any]) -> dict[str, str]:
    """Return what a report has to compare machines by: digest or value by item.

    An item is "file PATH", "program PATH", "sysctl NAME", "module NAME", "unit NAME",
    "version PROGRAM", "swap" or "clock". Files with secrets are "same" or "different" (from what
    was declared for this machine), missing ones "missing". Raises ValueError for anything that is
    no report, and for one of another version.
    """
    if not isinstance(report, Mapping) or report.get("version") != VERSION:
        raise ValueError(f"not a report of version {VERSION}")
    found = {
        f"{word} {name}": str(value)
        for section, word in ITEMS.items()
        for name, value in _section(report, section).items()
    }
    return found | {name: str(report[name]) for name in ("swap", "clock") if name in report}


def parse(report: Mapping[str, Any]) -> HostReport:
    """Return a report as it is read from JSON; raise ValueError as `digests` does."""
    items = digests(report)
    try:
        backup = report.get("backup") or {}
        return HostReport(
            time=_time(report["time"]),
            items=items,
            differences=tuple(map(_difference, report["differs"])),
            certificates=_times(report, "certificates"),
            issued=_times(report, "issued"),
            backup=_time(backup["time"]) if backup.get("time") else None,
            backup_failure=str(backup.get("failure", "")),
            disks={str(path): int(used) for path, used in _section(report, "disks").items()},
            ahead=int(report["ahead"]) if "ahead" in report else None,
        )
    except (KeyError, TypeError, AttributeError, OverflowError, OSError) as error:
        raise ValueError(f"an incomplete report: {error!r}") from None


def _difference(each: Mapping[str, Any]) -> Difference:
    kind, name, what = (str(each[key]) for key in ("kind", "name", "what"))
    return Difference(kind, name, what, _time(each["since"]))


def _times(report: Mapping[str, Any], name: str) -> dict[str, datetime]:
    return {str(item): _time(seconds) for item, seconds in _section(report, name).items()}


def _section(report: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = report.get(name, {})
    if not isinstance(found, Mapping):
        raise ValueError(f"{name} is not an object")
    return found


def _time(seconds: Any) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
