"""A fault that operators have had: how it is planted and taken back, and what must be said."""

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
    report of the cluster must all match: not the words of the program, but the names of things.
    In both, NODE is the machine of the place, on this host the worker, and CONTROL-PLANE the
    control plane. `physics` is how long what is seen needs before anybody can see it, in seconds.
    `alone`: while it holds, others of the cluster are not seen as usual, or not at all.
    """

    name: str
    place: Place
    plant: str
    restore: str
    said: tuple[str, ...]
    source: str
    teller: Teller = Teller.WATCH
    physics: int = 0
    alone: bool = False
