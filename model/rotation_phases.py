"""The phases in which a CA or a key of a cluster is replaced by a successor.

Each phase is brought to all machines by a run of its own:

1. `prepare`: the successor is trusted beside its predecessor, which still signs;
2. `switch`: the successor signs, and both are trusted;
3. `finish`: the predecessor is gone. That is also the state without any rotation.

The key that encrypts Secrets in etcd is one of them: it is used instead of trusted, and after
`finish` the predecessor still decrypts (model/encryption_keys.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass

PREPARE, SWITCH, FINISH = "prepare", "switch", "finish"
PHASES = (PREPARE, SWITCH, FINISH)
# What follows each phase; "" is the state without a rotation.
NEXT = {"": PREPARE, PREPARE: SWITCH, SWITCH: FINISH, FINISH: PREPARE}
# The subjects by their names in the command; those of CAs are those of `kubeadm init phase certs`.
CA, ETCD_CA, FRONT_PROXY_CA = "ca", "etcd-ca", "front-proxy-ca"
SERVICE_ACCOUNT = "service-account"
ENCRYPTION = "encryption"
# Those that are CAs, whose certificates others verify; the rest are keys.
CAS = (CA, ETCD_CA, FRONT_PROXY_CA)
# The attribute of `Rotations` that has the phase of each.
NAMES = {name: name.replace("-", "_") for name in (*CAS, SERVICE_ACCOUNT, ENCRYPTION)}


def config_key(name: str) -> str:
    """Return a subject's key in the config."""
    first, *others = name.split("-")
    return first + "".join(word.capitalize() for word in others)


@dataclass(frozen=True)
class Rotations:
    """The phase that each of a cluster's subjects is in; "" if it is in none.

    `acknowledge` is why pods that may not know a new CA are not waited for, "" if they are;
    `immediate` is the name of the subject for which nobody is.
    """

    ca: str = ""
    etcd_ca: str = ""
    front_proxy_ca: str = ""
    service_account: str = ""
    encryption: str = ""
    acknowledge: str = ""
    immediate: str = ""

    @property
    def by_name(self) -> dict[str, str]:
        """The phases under way or finished, by the subjects' names in the command."""
        phases = ((name, getattr(self, key)) for name, key in NAMES.items())
        return {name: phase for name, phase in phases if phase}


def refusal(recorded: str, wanted: str) -> str:
    """Say why a phase cannot follow the recorded one; "" if it can."""
    if wanted == SWITCH and recorded not in (PREPARE, SWITCH):
        return "nothing is prepared: begin with `prepare`"
    if wanted == FINISH and recorded == PREPARE:
        return "the predecessor is still in use: `switch` comes before `finish`"
    if wanted == FINISH and not recorded:
        return "no rotation is under way: begin with `prepare`"
    if not wanted and recorded == SWITCH:
        return (
            "machines use the successor: continue with `finish`, or take the "
            "change back with `prepare`"
        )
    return ""


def is_same(recorded: str, wanted: str) -> bool:
    """Whether two phases are one state: without a rotation, and after a finished one."""
    return recorded == wanted or {recorded, wanted} == {"", FINISH}


def moved(recorded: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Return the names of the subjects whose phases are not one state with those recorded."""
    return [name for name in NAMES if not is_same(recorded.get(name, ""), wanted.get(name, ""))]


def is_under_way(phase: str) -> bool:
    """Whether there are two of the subject."""
    return phase in (PREPARE, SWITCH)
