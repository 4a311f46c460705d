"""A fault that operators have had: how it is planted and taken back, and what must be said."""

import re
from dataclasses import dataclass
from enum import Enum


class Place(Enum):
    """Where the shell of a fault runs."""

    CONTROL_PLANE = "control-plane"
    WORKER = "worker"
    HERE = "here"  # on this host: kubectl for the cluster, $PLANE and $WORKER are root folders


class Teller(Enum):
    """The command that must name the fault."""

    WATCH = "watch"
    STATUS = "status"
    CONSISTENCY = "consistency"
    CIS = "cis"


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    `plant` and `restore` are shell, run as root at `place`. `said` are regular expressions that one
    report of the cluster must all match: not the words of the program, but the names of things, so
    that a line about another fault of the same machine does not match.
    In both, NODE is the machine of the place, on this host the worker, and CONTROL-PLANE the
    control plane. `physics` is how long what is seen needs before anybody can see it, in seconds.
    `age` is how old the cluster's Nodes must be, in seconds. `alone`: while it holds, others of the
    cluster are not seen as usual, or not at all.
    """

    name: str
    place: Place
    plant: str
    restore: str
    said: tuple[str, ...]
    source: str
    teller: Teller = Teller.WATCH
    physics: int = 0
    age: int = 0
    alone: bool = False

    def is_named_in(self, text: str, worker: str, control_plane: str) -> bool:
        """Whether a report is about this fault in a cluster of these machines."""
        node = control_plane if self.place is Place.CONTROL_PLANE else worker
        machines = {"NODE": node, "CONTROL-PLANE": control_plane}
        names = (rf"\b{machines[each]}\b" if each in machines else each for each in self.said)
        return all(re.search(name, text) for name in names)
