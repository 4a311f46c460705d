"""What a machine says about the security updates of its system (scripts/node/patches.sh)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ops.errors import OperatorError

# As scripts/node/patches.sh ends if a package source does not answer, or not with what is expected.
SOURCES_UNREAD = 4
# What a terminal or a table is not to get from a package source.
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


@dataclass(frozen=True)
class PatchReport:
    """What would be, or was, updated.

    `updates` and `updated` are packages with their versions, `kept` those that apt keeps back,
    `incomplete` names those whose installation was interrupted. `reboot` says why the machine must
    be rebooted now, "" if it need not; `kernels` are those that would be installed. `stale` are
    units that still use libraries that were replaced.
    """

    updates: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()
    reboot: str = ""
    incomplete: str = ""
    updated: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()

    @classmethod
    def parse(cls, lines: Iterable[str]) -> "PatchReport":
        """Parse lines of key, tab and value; raises OperatorError if their end is missing."""
        known: dict[str, list[str]] = {}
        for line in lines:
            key, tab, value = line.partition("\t")
            if tab:
                known.setdefault(key, []).append(_UNPRINTABLE.sub("?", value))
        if known.get("complete") != ["yes"]:
            raise OperatorError("the response about its security updates was incomplete")

        def values(key: str) -> tuple[str, ...]:
            return tuple(known.get(key, ()))

        return cls(
            updates=values("update"),
            kept=values("kept"),
            kernels=values("kernel"),
            reboot="; ".join(values("reboot")),
            incomplete="; ".join(values("incomplete")),
            updated=values("updated"),
            stale=values("stale"),
        )

    @property
    def is_due(self) -> bool:
        """Whether there is anything to install, to complete or to reboot for."""
        return bool(self.updates or self.incomplete or self.reboot)
