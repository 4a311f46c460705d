"""The sections of the page: each is a pure function of a report and the words of a language.

A new section is a module with such a function, and a row here.
"""

from collections.abc import Callable

from model.fleet_report.document import FleetReport
from scripts.fleet.report_page.blocks import Section
from scripts.fleet.report_page.sections import (
    audit,
    backups,
    capacity,
    certificates,
    changed,
    cis,
    conditions,
    consistency,
    exceptions,
    graded,
    labels,
    machines,
    overview,
    scale,
    versions,
)
from scripts.fleet.report_page.words import Words

SECTIONS: tuple[Callable[[FleetReport, Words], Section | None], ...] = (
    overview.section,
    graded.section,
    changed.section,
    conditions.section,
    machines.section,
    labels.section,
    consistency.section,
    capacity.section,
    certificates.section,
    backups.section,
    versions.section,
    exceptions.section,
    cis.section,
    audit.section,
    scale.section,
)


def sections(report: FleetReport, words: Words) -> list[Section]:
    """Return the sections that have something to say, in order."""
    found = (make(report, words) for make in SECTIONS)
    return [each for each in found if each is not None]
