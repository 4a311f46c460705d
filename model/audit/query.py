"""A question with what narrows it: the time, users, namespaces."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from model.audit import events, prefilter
from model.audit.changed_fields import changed_fields
from model.audit.events import Event
from model.audit.prefilter import LineFilter
from model.audit.questions import Question, is_own_part

# A log is rotated after its last event was written; the clock may have been set back in between.
_CLOCK_SET_BACK = timedelta(hours=1)


@dataclass(frozen=True)
class Query:
    """What is wanted; None, and empty sets, are no limit.

    A request is in the time if it was received before `until`, and answered after `since`: a
    session that was open then began before.
    """

    question: Question
    now: datetime
    since: datetime | None = None
    until: datetime | None = None
    users: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()
    all_users: bool = False

    @property
    def filters(self) -> Sequence[LineFilter]:
        """Return what a host applies, in order: the first one reads all of the log.

        grep searches for one text at twice the speed of several.
        """
        filters = (
            *prefilter.value("username", sorted(self.users)),
            *prefilter.value("namespace", sorted(self.namespaces)),
            *self.question.filters,
            *([prefilter.people()] if self._is_for_people else []),
            *prefilter.since(self.since, self.now),
        )
        return sorted(filters, key=lambda each: len(each.patterns))

    @property
    def oldest_rotation(self) -> datetime | None:
        """Return when a file that may have events of the time was rotated at the earliest."""
        return None if self.since is None else self.since - _CLOCK_SET_BACK

    def answer(self, event: Event, line: bytes) -> Event | None:
        """Return an event with what it changed, as its line has it, if it is wanted."""
        if not self._is_wanted(event):
            return None
        if event.verb != "patch":
            return event
        return replace(event, changed=changed_fields(events.request_body(line)))

    def _is_wanted(self, event: Event) -> bool:
        return (
            (self.since is None or event.reached >= self.since)
            and (self.until is None or event.received <= self.until)
            and (not self.users or not self.users.isdisjoint(_actors(event)))
            and (not self.namespaces or event.namespace in self.namespaces)
            and not (self._is_for_people and is_own_part(event))
            and self.question.matches(event)
        )

    @property
    def _is_for_people(self) -> bool:
        return self.question.for_people and not self.all_users and not self.users


def _actors(event: Event) -> set[str]:
    return {event.user, event.impersonated or event.user}
