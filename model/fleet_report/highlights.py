"""What audit logs say, counted: who was denied, was in a container, read Secrets, changed what."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import Field

from model.audit.report import AuditEvent
from model.report import ReportEntry

# The subcommands of `fleet audit` that are asked, what matters most first.
QUESTIONS = ("denied", "exec", "secrets", "changes")
SHOWN = 100


class AuditHighlight(ReportEntry):
    """Requests of one user to one cluster that answer one question."""

    question: str = Field(description="The subcommand of `fleet audit`.")
    cluster: str = Field(description="The cluster.")
    user: str = Field(description="Who made them; empty if they were not authenticated.")
    requests: int = Field(description="How many.")
    last: datetime = Field(description="When the last one was received.")
    example: str = Field(description="The last one: its verb, its resource and its object.")


class AuditTotal(ReportEntry):
    """How many requests of a cluster answer one question."""

    question: str = Field(description="The subcommand of `fleet audit`.")
    cluster: str = Field(description="The cluster.")
    requests: int = Field(description="How many.")


class AuditHighlights(ReportEntry):
    """What was found since a time, those with the most requests first."""

    since: datetime = Field(description="From when on.")
    highlights: tuple[AuditHighlight, ...] = Field((), description="At most 100 for a question.")
    totals: tuple[AuditTotal, ...] = Field((), description="The numbers of requests.")
    is_truncated: bool = Field(
        False, description="Whether a log has more than was counted: numbers are lower bounds."
    )


def highlights(
    events: Iterable[tuple[str, AuditEvent]], since: datetime, *, is_truncated: bool
) -> AuditHighlights:
    """Count events, each with the question that it answers."""
    found: dict[tuple[str, str, str], AuditHighlight] = {}
    totals: dict[tuple[str, str], int] = {}
    for question, event in events:
        user = event.impersonated_user or event.user
        key = question, event.cluster, user
        known = found.get(key)
        is_last = known is None or event.time >= known.last
        totals[question, event.cluster] = totals.get((question, event.cluster), 0) + 1
        found[key] = AuditHighlight(
            question=question,
            cluster=event.cluster,
            user=user,
            requests=known.requests + 1 if known else 1,
            last=event.time if known is None else max(event.time, known.last),
            example=_example(event) if known is None or is_last else known.example,
        )
    kept: list[AuditHighlight] = []
    for question in QUESTIONS:
        own = [each for each in found.values() if each.question == question]
        own.sort(key=lambda each: (-each.requests, each.cluster, each.user))
        kept += own[:SHOWN]
    return AuditHighlights(
        since=since,
        highlights=tuple(kept),
        totals=tuple(
            AuditTotal(question=question, cluster=cluster, requests=requests)
            for (question, cluster), requests in sorted(totals.items())
        ),
        is_truncated=is_truncated,
    )


def _example(event: AuditEvent) -> str:
    resource = "/".join(filter(None, (event.resource, event.subresource)))
    place = "/".join(filter(None, (event.namespace, event.name)))
    return " ".join(filter(None, (event.verb, resource or event.uri, place)))
