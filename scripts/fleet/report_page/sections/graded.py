"""Every cluster with its grade and the reasons for it, the worst first."""

from collections.abc import Iterator

from model.fleet_report.compared import OF_CLUSTERS
from model.fleet_report.document import FleetReport, SourceState
from model.fleet_report.grade import ClusterGrade, Reason
from model.status.fleet import ClusterStatus
from scripts.fleet.report_page.blocks import Block, Details, Entries, Entry, Paragraph, Section
from scripts.fleet.report_page.words import Words

# So many clusters are listed with all of their reasons before the rest is closed.
OPEN = 20


def section(report: FleetReport, words: Words) -> Section:
    """Return the section."""
    clusters = {each.name: each for each in report.status.clusters}
    general = {
        each.name.value
        for each in report.sources
        if each.state in (SourceState.OMITTED, SourceState.UNREAD) and each.name != "status"
    }
    titles = [
        words("grade"), words("graded.points"), words("cluster"), words("graded.facts"),
        words("labels.title"), words("graded.reasons"),
    ]  # fmt: skip

    def entries(grades: list[ClusterGrade]) -> Entries:
        return Entries(
            titles, [_entry(each, clusters[each.cluster], general, words) for each in grades]
        )

    found = [each for each in report.grades if each.reasons]
    clean = [each for each in report.grades if not each.reasons]
    blocks: list[Block] = [Paragraph(words("graded.intro"))]
    if general:
        names = words.names([words(f"source.{each}") for each in sorted(general)])
        blocks.append(Paragraph(words("graded.unread", sources=names)))
    first, rest = found[:OPEN], found[OPEN:]
    if first:
        blocks.append(entries(first))
    if rest:
        blocks.append(Details(words.count("graded.more", len(rest)), [entries(rest)]))
    if clean:
        blocks.append(Details(words.count("graded.clean", len(clean)), [entries(clean)]))
    if not report.grades:
        blocks = [Paragraph(words("graded.none"))]
    return Section("grades", words("graded.title"), blocks)


def reason(found: Reason, words: Words) -> str:
    """Return a reason as a person reads it."""
    text = words.count(f"cost.{found.code}.found", found.count)
    if found.code in (
        *("unreachable", "single-control-plane", "mixed-versions", "backup-overdue"),
        "pods-pending",
    ):
        return text
    rest = found.count - len(found.what)
    named = words("list.comma").join(found.what)
    named = words.count("list.more", rest, names=named) if rest > 0 else named
    return words("graded.named", text=text, names=named)


def _entry(grade: ClusterGrade, cluster: ClusterStatus, general: set[str], words: Words) -> Entry:
    # Of a cluster whose API did not answer, that says it all.
    said = general | {"status", *(() if cluster.reachable else OF_CLUSTERS)}
    partial = [words(f"source.{each}") for each in grade.unread if each not in said]
    notes = [words("graded.partial", sources=words.names(partial))] if partial else []
    return Entry(
        grade=grade.grade,
        points=words("graded.of-100", points=grade.points),
        name=grade.cluster,
        facts=list(_facts(cluster, words)),
        labels=[f"{key}={value}" for key, value in cluster.labels.items()],
        reasons=[(reason(each, words), f"\N{MINUS SIGN}{each.points}") for each in grade.reasons],
        notes=notes,
    )


def _facts(cluster: ClusterStatus, words: Words) -> Iterator[str]:
    if not cluster.reachable:
        seen = cluster.as_of
        yield words("graded.last-seen", time=words.time(seen)) if seen else words("graded.never")
    if cluster.version:
        yield cluster.version
    if cluster.nodes_ready:
        yield words(
            "graded.nodes", ready=cluster.nodes_ready.ready, total=cluster.nodes_ready.total
        )
    if cluster.control_planes and cluster.control_planes.total:
        yield words.count("graded.planes", cluster.control_planes.total)
