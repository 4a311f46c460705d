"""What a Kubernetes API answers instead of what it was asked for."""

import json
from http import HTTPStatus
from typing import Any

# What a page that is no Status of the API may take of the operator's screen.
LONGEST = 500


class ApiError(Exception):
    """The API refused; `status` is HTTP's, None where nothing answered.

    `details` are those of the API's Status object.
    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
    """

    def __init__(
        self, status: int | None, message: str, details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.details = details or {}

    def __str__(self) -> str:
        return f"{_titled(self.status)}: {self.message}"


class Unavailable(ApiError):
    """The API did not answer, or answered that it has a fault: it may be well a moment later."""


class Conflict(ApiError):
    """What was read has changed or is gone meanwhile: to be read and changed again."""


# What may be over when it is asked again.
PASSING = (Unavailable, Conflict)


def of_answer(status: int, body: bytes) -> ApiError:
    """Return the error that an answer means."""
    try:
        said = json.loads(body)
        message, details = str(said["message"]), said.get("details") or {}
    except (ValueError, KeyError, TypeError):
        text = body.decode(errors="replace").strip()
        message, details = text[:LONGEST] or "no explanation was given", {}
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(status, message, details)
    if status in (HTTPStatus.CONFLICT, HTTPStatus.GONE):
        return Conflict(status, message, details)
    return ApiError(status, message, details)


def _titled(status: int | None) -> str:
    if status is None:
        return "no answer"
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"status {status}"
