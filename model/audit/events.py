"""Events of an audit log, each parsed from a line as an API server writes it.

The fields are those of `Event` in audit.k8s.io/v1. A client chooses the bodies of its requests, so
that these are not parsed here: neither their size, their depth nor their numbers hide an event.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

# What a client chooses is cut to this many characters.
LONGEST = 4096
STARTED = "ResponseStarted"
# The fields in front of a body, and those behind it. A quote in a value is escaped, so that neither
# text can be in one; bodies come first, and only texts follow.
_BODY = re.compile(rb',"(?:request|response)Object":')
_BEHIND = b',"requestReceivedTimestamp":"'
_BEGINNING = b'{"kind":"Event",'
# Longer ones are no status codes, and Python refuses the longest.
_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Event:
    """A request, at one of its stages; times are those of the API server's clock, in UTC.

    `code` is 0 where there is no response; `impersonated` is "" if `user` acted as itself.
    """

    audit_id: str
    stage: str
    received: datetime
    reached: datetime
    verb: str
    uri: str
    user: str
    impersonated: str
    source_ips: tuple[str, ...]
    user_agent: str
    resource: str
    subresource: str
    namespace: str
    name: str
    api_group: str
    api_version: str
    code: int
    message: str
    annotations: Mapping[str, str]
    changed: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[datetime, str, str, str, str]:
        """Return what all stages of a request have in common; a client may choose its audit ID."""
        return self.received, self.audit_id, self.verb, self.uri, self.user

    @property
    def is_success(self) -> bool:
        """Whether the API server did it."""
        return 0 < self.code < 400


def parse(line: bytes) -> Event | None:
    """Return the event in a line; None if it is none, or an incomplete one."""
    given = _without_bodies(line)
    if given is None or given.get("kind") != "Event":
        return None
    received = _time(given.get("requestReceivedTimestamp"))
    reached = _time(given.get("stageTimestamp"))
    if received is None or reached is None:
        return None
    about, response = _mapping(given.get("objectRef")), _mapping(given.get("responseStatus"))
    addresses = given.get("sourceIPs")
    return Event(
        audit_id=_text(given.get("auditID")),
        stage=_text(given.get("stage")),
        received=received,
        reached=reached,
        verb=_text(given.get("verb")),
        uri=_text(given.get("requestURI")),
        user=_text(_mapping(given.get("user")).get("username")),
        impersonated=_text(_mapping(given.get("impersonatedUser")).get("username")),
        source_ips=tuple(map(_text, addresses)) if isinstance(addresses, list) else (),
        user_agent=_text(given.get("userAgent")),
        resource=_text(about.get("resource")),
        subresource=_text(about.get("subresource")),
        namespace=_text(about.get("namespace")),
        name=_text(about.get("name")),
        api_group=_text(about.get("apiGroup")),
        api_version=_text(about.get("apiVersion")),
        code=_number(response.get("code")),
        message=_text(response.get("message")),
        annotations={
            key: _text(value) for key, value in _mapping(given.get("annotations")).items()
        },
    )


def request_body(line: bytes) -> Any:
    """Return the body of the request in a line that is an event; None if it has none.

    None as well if Python cannot represent it.
    """
    try:
        event = json.loads(line, parse_int=_shortest, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    return event.get("requestObject") if isinstance(event, dict) else None


def _without_bodies(line: bytes) -> dict[str, Any] | None:
    if not line.startswith(_BEGINNING):
        return None
    if body := _BODY.search(line):
        behind = line.rfind(_BEHIND)
        if behind > body.start():
            parts = _object(line[: body.start()] + line[behind:])
            if parts is not None:
                return parts
    return _object(line)


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        parsed = json.loads(text, parse_int=_shortest, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _shortest(digits: str) -> int:
    return int(digits) if len(digits) <= _DIGITS else 0


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int:
    return value if type(value) is int else 0


def _text(value: object) -> str:
    if not isinstance(value, str):
        return ""
    # JSON may have one half of a character, which no output can encode.
    return value[:LONGEST].encode(errors="replace").decode()


def _time(value: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return time.astimezone(UTC) if time is not None and time.tzinfo is not None else None
