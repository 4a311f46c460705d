"""The rotations of a cluster's CAs and of its service-account key."""

from typing import Annotated

from pydantic import Field

from model.config.field import ScalarField, one_of
from model.config.strict import Strict
from model.rotation_phases import CA, NAMES, PHASES, PREPARE

REASON_LENGTH = 200


def _phase(name: str) -> str:
    if name not in PHASES:
        raise ValueError("unknown phase")
    return name


Phase = Annotated[
    str,
    ScalarField(
        "the phase of a rotation",
        f"{', then '.join(PHASES)}, each applied before the next",
        PREPARE,
        check=_phase,
        schema={"enum": [*PHASES]},
    ),
]


Name = Annotated[str, one_of("subject of a rotation", NAMES, CA)]


def _reason(text: str) -> str:
    if len(text) > REASON_LENGTH or not text.isprintable():
        raise ValueError("not a line, or too long")
    return text


Acknowledgement = Annotated[
    str,
    ScalarField(
        "a reason",
        f"one line of at most {REASON_LENGTH} characters: why pods need not be restarted",
        "OPS-123: they read the CA again",
        check=_reason,
    ),
]


class RotationPhases(Strict):
    """The phase of each rotation: the successor is trusted, then signs, and then is alone."""

    ca: Phase | None = Field(None, description="The cluster's CA.")
    etcd_ca: Phase | None = Field(None, description="etcd's CA.")
    front_proxy_ca: Phase | None = Field(
        None, description="The CA of the API servers' requests to aggregated API servers."
    )
    service_account: Phase | None = Field(
        None, description="The key that signs the tokens of service accounts."
    )
    acknowledge: Acknowledgement = Field(
        "",
        description="Why `finish` may cut off pods that do not know the new CA, or tokens of the "
        "former key; empty: they are named, and it is refused.",
    )
    immediate: Name | None = Field(
        None,
        description="What is rotated since its key has leaked: `finish` waits for nobody, and "
        "restarts what would not be ready for it. `fleet rotate --now` sets and removes it.",
    )
