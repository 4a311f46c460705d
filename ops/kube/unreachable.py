"""Why a cluster could not be read, as a condition."""

import re
from http import HTTPStatus

from model.status.condition import Condition, Ready, Severity
from ops.errors import OperatorError, text_of
from ops.fan_out import Late
from ops.kube.errors import NO_SERVER, ApiError

RUNBOOK = "docs/runbooks/api-unavailable.md"
CERTIFICATES = "docs/runbooks/certificates.md"
UNVERIFIED = "certificate verify failed"


def condition(cluster: str, error: Exception) -> Condition:
    """Return the condition of a cluster whose API did not answer, or not as expected."""
    reason, message = _described(error)
    return Condition(
        cluster=cluster,
        ready=Ready.UNKNOWN,
        severity=Severity.ERROR,
        reason=reason,
        message=message,
    )


def summary(error: Exception) -> str:
    """Return what is wrong in one phrase, for a table."""
    return _described(error)[1].partition(": see ")[0]


def _described(error: Exception) -> tuple[str, str]:
    if isinstance(error, OperatorError):
        return "AccessInvalid", f"no access: {error}"
    if isinstance(error, ApiError) and error.status is not None:
        try:
            phrase = HTTPStatus(error.status).phrase
        except ValueError:
            phrase = f"status {error.status}"
        return "APIError", f"API error: {phrase}"
    if isinstance(error, Late):
        return "APIUnreachable", f"API unreachable: {error}: see {RUNBOOK}"
    if not isinstance(error, ApiError):
        kind = type(error).__name__
        return "APIError", f"API error: its answer cannot be understood: {kind}: {text_of(error)}"
    advice = CERTIFICATES if UNVERIFIED in error.message else RUNBOOK
    return "APIUnreachable", f"API unreachable: {_cause(error.message)}: see {advice}"


def _cause(text: str) -> str:
    """Return the last cause in a chain of texts, without the number of the operating system."""
    if text == NO_SERVER:
        return NO_SERVER.rpartition(": ")[2]
    cause = text.rpartition(": ")[2].rstrip("'\")>")
    if found := re.search(r"\[Errno -?\d+\] (.+)", cause):
        return found[1]
    return f"{cause})" if cause.count("(") > cause.count(")") else cause
