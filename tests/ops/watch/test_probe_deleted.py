"""The DaemonSet of the probes is deleted: that is told once, and nothing else is held back."""

from model.watch.event import Change
from ops.watch import findings
from ops.watch.objects import AppliedObject
from ops.watch.siblings import Missing
from ops.watch.sources import ADD_ONS
from ops.watch.view import PROBE_TITLE, Limits, View
from tests.ops.watch.test_silence import Life, view

NAME = PROBE_TITLE.partition(" ")[2]
SERVICE, POLICY = f"Service {NAME}", f"NetworkPolicy {NAME}"
ONCE = [(Change.BEGAN, "ObjectMissing")]


def lacking(*missing: str, unread: str = "", siblings: str = "probes") -> View:
    """A cluster without add-ons of ours, whose objects that were applied with others lack these."""
    there = [each for each in (SERVICE, POLICY) if each not in missing]
    objects = [AppliedObject(each, "object", "probes", 3, None, None) for each in there]
    gone = [
        Missing(siblings, there[0] if there else "", 3, place, title)
        for place, title in enumerate(missing)
    ]
    return view(
        is_ours=True,
        objects=tuple(objects),
        missing=tuple(gone),
        unread=frozenset({unread} if unread else ()),
    )


def reasons(seen: View) -> list[str]:
    return sorted(each.reason for each in findings.snapshot(seen, Limits()).findings)


def test_it_is_told_by_its_name_alone() -> None:
    assert reasons(lacking(PROBE_TITLE)) == ["ObjectMissing"]
    assert Life().see(lacking(PROBE_TITLE)) == ONCE


def test_what_is_missing_beside_it_is_told_as_well() -> None:
    for missing in ((PROBE_TITLE, SERVICE), (SERVICE, PROBE_TITLE)):
        seen = lacking(*missing)
        assert reasons(seen) == ["ObjectDeleted", "ObjectMissing"]
        (told,) = [each for each in findings.snapshot(seen, Limits()).findings if each.item]
        assert (told.message.partition(" was ")[0], told.item) == (SERVICE, "probes 0")
    # All that was applied with it.
    assert reasons(lacking(PROBE_TITLE, SERVICE, POLICY)) == [
        *("ObjectDeleted", "ObjectDeleted", "ObjectMissing")
    ]


def test_a_restart_which_knows_no_names_tells_nothing_again() -> None:
    life = Life()
    assert life.see(lacking(PROBE_TITLE)) == ONCE
    assert life.see(lacking("")) == []
    life = Life()
    assert sorted(life.see(lacking(PROBE_TITLE, SERVICE))) == [
        (Change.BEGAN, "ObjectDeleted"),
        *ONCE,
    ]
    assert life.see(lacking("", "")) == []


def test_what_was_applied_with_others_is_not_it() -> None:
    assert reasons(lacking("", siblings="policies")) == ["ObjectDeleted", "ObjectMissing"]


def test_it_is_told_as_deleted_while_add_ons_cannot_be_read() -> None:
    assert reasons(lacking(PROBE_TITLE, unread=ADD_ONS)) == ["ObjectDeleted"]
