"""Keys that encrypt Secrets in etcd (XSalsa20 and Poly1305: 32 bytes), and their rotation.

They are a list: the first one writes, all of them read. The second one is the other key of a
rotation while that is under way; after them are the former keys, the one that was replaced last in
front. A former key still reads, since a snapshot may need it. It is dropped at the end of a later
rotation, which has just had all Secrets written again, and not before it was out of use for
`KEPT`: control planes keep their snapshots for a week (scripts/node/snapshots.sh).
"""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypedDict

from model.rotation_phases import FINISH, PREPARE, SWITCH, is_under_way

LENGTH = 32
# For how long a former key is kept at least.
KEPT = timedelta(days=90)


class EncryptionKeyProps(TypedDict):
    """A key; `name` is in front of each value that it encrypted, `secret` is base64."""

    name: str
    secret: str


def generate() -> EncryptionKeyProps:
    """Return a new key."""
    return {
        "name": f"key-{secrets.token_hex(4)}",
        "secret": b64encode(secrets.token_bytes(LENGTH)).decode(),
    }


def former_since(former: Sequence[str], was: str, becomes: str, now: datetime) -> list[str]:
    """Return since when each former key is out of use (ISO 8601), after a change of the phase.

    A successor that was given up is a former key as well: an API server may have written with it
    in a run that failed.
    """
    if not is_under_way(was) or is_under_way(becomes):
        return [*former]
    kept = [
        since for since in former if becomes != FINISH or now - datetime.fromisoformat(since) < KEPT
    ]
    return [now.isoformat(timespec="seconds"), *kept]


def is_changed(former: Sequence[str], since: Sequence[str], was: str, becomes: str) -> bool:
    """Whether a change of the phase changes the list; `since` are the former keys after it."""
    begins = is_under_way(becomes) and not is_under_way(was)
    drops = is_under_way(was) and not is_under_way(becomes) and len(since) <= len(former)
    return begins or drops or {was, becomes} == {PREPARE, SWITCH}


def rotated(
    keys: Sequence[EncryptionKeyProps], former: int, was: str, becomes: str
) -> list[EncryptionKeyProps]:
    """Return the keys in another phase, which must be allowed to follow; `former` are then kept."""
    in_use = 2 if is_under_way(was) else 1
    first, *others = keys[:in_use]
    if is_under_way(becomes) and not is_under_way(was):
        return [first, generate(), *keys[in_use:]]
    if {was, becomes} == {PREPARE, SWITCH}:
        return [*others, first, *keys[in_use:]]
    if is_under_way(was) and not is_under_way(becomes):
        return [*keys[: 1 + former]]
    return [*keys]
