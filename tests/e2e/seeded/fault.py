"""A fault that operators have had: how it is planted, how it is taken back, what must be said of it."""

from dataclasses import dataclass
from enum import Enum


class Place(Enum):
    """Where the shell of a fault runs."""

    CONTROL_PLANE = "control-plane"
    WORKER = "worker"
    API = "api"  # on this host, with kubectl for the cluster


class Teller(Enum):
    """The command that must name the fault."""

    WATCH = "watch"
    STATUS = "status"
    CONSISTENCY = "consistency"
    CIS = "cis"


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    `plant` and `restore` are shell, run as root at `place`; NODE is the machine that is named, the
    worker if the place is the API. `said` are regular expressions that one report of the cluster
    must all match, NODE in them replaced: not the words of the program, but the names of things.
    `physics` is how long what reports it needs before anybody can know.
    """

    name: str
    place: Place
    plant: str
    restore: str
    said: tuple[str, ...]
    source: str
    teller: Teller = Teller.WATCH
    physics: int = 0
