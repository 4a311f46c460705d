"""Errors of the Kubernetes API, by what a caller can do about them."""

import json
import ssl
from http import HTTPStatus
from typing import Any

# Limit for a response body that is not a Status of the API, as shown on the terminal.
MAX_MESSAGE_LENGTH = 500
# How a load balancer without an API server ends each connection.
CLOSED = (ssl.SSLEOFError, ConnectionResetError)
NO_SERVER = "the connection was closed immediately: no API server is ready behind the endpoint"


class ApiError(Exception):
    """The API refused a request; `status` is the HTTP status, None if there was no response.

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

    @property
    def retry_after_seconds(self) -> float:
        """How long the API asks to wait before the request is repeated; 0 if it does not say."""
        return float(self.details.get("retryAfterSeconds") or 0)

    def __str__(self) -> str:
        return f"{_status_text(self.status)}: {self.message}"


class Unavailable(ApiError):
    """The API did not answer, was overloaded or reported a server error; this may be transient."""


class Refused(Unavailable):
    """Its host refused the connection: the host is there, and no API server runs on it.

    Or it closed the connection immediately, as a load balancer does that has no API server.
    """


class Expired(Unavailable):
    """Its certificate has expired: its host is there, and nobody can use its API server."""


class Conflict(ApiError):
    """The object changed or disappeared since it was read: read it and change it again."""


# Errors that may be transient.
TRANSIENT = (Unavailable, Conflict)


def from_response(status: int, body: bytes, retry_after: str = "") -> ApiError:
    """Return the error for a response; `retry_after` is its header, which may be in seconds."""
    try:
        reported = json.loads(body)
        message, details = str(reported["message"]), reported.get("details") or {}
    except (ValueError, KeyError, TypeError):
        text = body.decode(errors="replace").strip()
        message, details = text[:MAX_MESSAGE_LENGTH] or "no reason given", {}
    if retry_after.isdigit():
        details.setdefault("retryAfterSeconds", int(retry_after))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        return Unavailable(status, message, details)
    if status in (HTTPStatus.CONFLICT, HTTPStatus.GONE):
        return Conflict(status, message, details)
    return ApiError(status, message, details)


def _status_text(status: int | None) -> str:
    if status is None:
        return "no response"
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"status {status}"
