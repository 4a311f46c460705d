"""The page as HTML and Markdown: what is on it, and that nothing on it acts."""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from model.consistency.report import State
from model.fleet_report import assembly
from model.fleet_report.assembly import Read
from model.fleet_report.differences import Differences, DifferentItem, DifferentValue
from model.fleet_report.document import FleetReport
from model.status.fleet import ClusterStatus, FleetStatus
from model.status.reasons import OF_MACHINES
from scripts.fleet.report_page import html, markdown
from scripts.fleet.report_page.blocks import Block, Details, Table
from scripts.fleet.report_page.sections import consistency, sections
from scripts.fleet.report_page.words import LANGUAGES, Words
from tests.hostile import texts
from tests.scripts.fleet.report import sample

TAGS = {
    *("html", "head", "meta", "title", "style", "body", "a", "header", "p", "h1", "h2", "h3"),
    *("div", "nav", "ol", "ul", "li", "span", "main", "section", "footer", "dl", "dt", "dd"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td", "code", "figure", "details"),
    *("summary", "svg", "desc", "rect", "line", "circle", "polygon", "path", "text", "g"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "href", "id", "tabindex"),
    *("aria-label", "aria-labelledby", "aria-hidden", "role", "scope", "focusable", "viewbox"),
    *("preserveaspectratio", "x", "y", "width", "height", "cx", "cy", "r", "d", "points"),
    *("x1", "x2", "y1", "y2"),
}


class Parsed(HTMLParser):
    """What a browser makes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["style"]:
            self.texts.append(data)

    def values(self, name: str) -> list[str]:
        return [value or "" for key, value in self.attributes if key == name]


def page(report: FleetReport, language: str = "en") -> Parsed:
    return Parsed(html.page(report, Words.of(language)))


# What others choose: the keys of a report whose texts are not the program's own.
CHOSEN = {
    *("cluster", "clusters", "message", "node", "user", "example", "title", "remedy", "before"),
    *("after", "what", "exceptions", "rotations", "revoked", "path", "item", "component"),
}


def hostile(value: Any, extra: str, key: str = "") -> Any:
    """Return a part of a report with a text behind everything that others choose."""
    if isinstance(value, dict):
        changed = {name: hostile(each, extra, name) for name, each in value.items()}
        if "reachable" in value:
            changed |= {"name": value["name"] + extra, "version": extra,
                        "labels": {f"{name}{extra}": f"{each}{extra}"
                                   for name, each in value["labels"].items()}}  # fmt: skip
        if "component" in value or "desired" in value:
            changed["version"] = extra
        if "severity" in value:
            changed["name"] = changed["reason"] = value["name"] + extra
        return changed
    if isinstance(value, list):
        return [hostile(each, extra, key) for each in value]
    return value + extra if isinstance(value, str) and key in CHOSEN else value


def disfigured(extra: str) -> FleetReport:
    document = hostile(sample.report().model_dump(mode="json", by_alias=True), extra)
    return FleetReport.model_validate({**document, "name": extra or "x"})


# One of each kind, and the ones that end attributes, elements, tables and comments.
TEXTS = [
    *("</style><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "<!--", "]]>"),
    *("' onmouseover='alert(1)", "&lt;b&gt;", "{{ 7*7 }}", "{% raw %}", "</td></table>"),
    *("\x00\x1b[2J", "|`*_[x](javascript:alert(1))", "\n# title\n", "\u202eevil\u2028"),
]  # fmt: skip


@pytest.mark.parametrize("extra", TEXTS, ids=range(len(TEXTS)))
def test_what_others_have_chosen_is_text(extra: str) -> None:
    found = page(disfigured(extra), "ja")
    assert set(found.tags) <= TAGS
    assert {name for name, _ in found.attributes} <= ATTRIBUTES
    assert all(each.startswith("#") for each in found.values("href"))
    shown = "".join(found.texts)
    assert all(each.isprintable() or each == "\n" for each in shown)
    if extra.isprintable() and extra == " ".join(extra.split()):
        for name in ("amber", "hana", "environment"):
            assert f"{name}{extra}" in shown


def test_a_thousand_texts_are_text(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    found = page(disfigured(" ".join(each[:40] for each in texts(canary))))
    assert set(found.tags) <= TAGS
    assert {name for name, _ in found.attributes} <= ATTRIBUTES
    assert not canary.exists()


@pytest.mark.parametrize("extra", TEXTS, ids=range(len(TEXTS)))
def test_markdown_has_the_same_rows_whatever_others_have_chosen(extra: str) -> None:
    plain = markdown.page(disfigured("x"), Words.of("en"))
    shown = markdown.page(disfigured(extra), Words.of("en"))
    bare = re.compile(r"(?<!\\)(?:\\\\)*([|<`\[])")
    assert len(shown.splitlines()) == len(plain.splitlines())
    for line, other in zip(shown.splitlines(), plain.splitlines(), strict=True):
        assert bare.findall(line) == bare.findall(other), line


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_needs_nothing_else_and_allows_nothing(language: str) -> None:
    text = html.page(sample.report(), Words.of(language))
    found = Parsed(text)
    assert found.values("lang")[0] == language
    assert "script" not in found.tags
    assert not {"src", "srcset", "style", "onload"} & {name for name, _ in found.attributes}
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(each for each in found.values("content") if "default-src" in each)
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    ids = found.values("id")
    assert len(ids) == len(set(ids))
    assert {each[1:] for each in found.values("href")} <= set(ids)


def test_a_text_in_another_language_says_so() -> None:
    english, japanese = page(sample.report()), page(sample.report(), "ja")
    assert english.values("lang") == ["en"]
    assert "en" in japanese.values("lang")[1:]
    assert "障害" in "".join(japanese.texts)


def empty(*clusters: ClusterStatus, is_stack: bool = False) -> FleetReport:
    status = FleetStatus(time=sample.NOW, clusters=list(clusters))
    return assembly.report("config", sample.NOW, status, Read(), is_stack=is_stack)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "report",
    [
        empty(),
        empty(ClusterStatus(name="one", reachable=True)),
        empty(ClusterStatus(name="one", reachable=False), is_stack=True),
        sample.former(),
    ],
    ids=["none", "one", "silent", "first"],
)
def test_little_is_a_page_as_well(report: FleetReport, language: str) -> None:
    assert set(page(report, language).tags) <= TAGS
    assert markdown.page(report, Words.of(language)).startswith("# ")


def test_the_formats_have_the_same_content() -> None:
    report = sample.report()
    shown = "".join(page(report).texts)
    written = markdown.page(report, Words.of("en")).replace("\\", "")
    for text in (
        "iris", "last answer 2026-11-26 23:30 UTC", "Its API did not answer",
        "\N{MINUS SIGN}100", "0 of 100",
        "1 certificate has expired: kubelet-client", "No snapshot of the last two days",
        "Not completely read: certificates on machines, backups, audit logs, CIS benchmark.",
        "Not completely read: comparison of clusters.",
        "kube-scheduler --profiling", "Not as declared", "delta: 1 Node", "no: juniper-0 (cpu)",
        "Pods wait for a Node: birch (1).",
        "138 %, 19 % used", "sysctl net.ipv4.ip_forward is 0", "amber/argocd/cluster-kelp",
        "D → F", "226 denied requests", "security.podSecurity.exemptNamespaces",
        "the disk is full", "/etc/kubernetes/pki/etcd/healthcheck.crt",
    ):  # fmt: skip
        assert text in shown
        assert text in written


def test_many_clusters_are_a_small_page() -> None:
    report = sample.report()
    clusters = [
        each.model_copy(update={"name": f"{each.name}-{index}"})
        for index in range(9)
        for each in sample.statuses().clusters
    ][:100]
    status = report.status.model_copy(update={"clusters": clusters})
    large = assembly.report("prod", sample.NOW, status, sample.read(), is_stack=True)
    assert len(html.page(large, Words.of("ja")).encode()) < 1_000_000


def rows_of(report: FleetReport, key: str) -> list[list[str]]:
    """The cells of all tables of a section, those behind a summary as well."""

    def of(blocks: Iterable[Block]) -> Iterator[list[str]]:
        for block in blocks:
            match block:
                case Table():
                    yield from ([cell.text for cell in row] for row in block.rows)
                case Details():
                    yield from of(block.blocks)

    (section,) = (each for each in sections(report, Words.of("en")) if each.key == key)
    return list(of(section.blocks))


def test_what_machines_report_is_in_a_section_of_its_own() -> None:
    report = sample.report()
    reasons = {row[2] for row in rows_of(report, "conditions")}
    assert "NotReady" in reasons
    assert not reasons & {*OF_MACHINES}
    drift = [row for row in rows_of(report, "machines") if row[0].startswith("sysctl")]
    assert [(row[3], row[4]) for row in drift] == [("2", "cedar")]


def test_an_unreachable_cluster_is_not_also_one_that_was_not_compared() -> None:
    rows = rows_of(sample.report(), "scale")
    assert ["cedar", "cedar-5", "comparison of clusters"] in [row[:3] for row in rows]
    said = [row[2] for row in rows if row[0] == "iris"]
    assert said
    assert not any("comparison" in each or "capacity" in each for each in said)


def test_many_differences_are_few_rows_and_the_rest_is_counted() -> None:
    value = DifferentValue(
        value="x" * 500, declared=None, state=State.ODD, fields=(),
        clusters=tuple(f"cluster-{index}" for index in range(40)), nodes=0,
    )  # fmt: skip
    items = [
        DifferentItem(area="kubelet", item=f"field{index}", most="1", agree=60, of=100,
                      values=(value,))
        for index in range(1000)
    ]  # fmt: skip
    worst = value.model_copy(update={"state": State.NOT_DECLARED, "declared": "1"})
    items.append(items[0].model_copy(update={"item": "last", "values": (worst,)}))
    found = Differences(clusters=100, compared=1001, is_declared=True, items=tuple(items))
    report = sample.report().model_copy(update={"differences": found})
    areas, *rows = rows_of(report, "consistency")
    assert areas == ["kubelet", "1", "1,000", "0", "40"]
    assert len(rows) == consistency.MOST
    assert rows[0][0] == "kubelet last", "the worst is first"
    assert rows[1][2] == "cluster-0, cluster-1, cluster-2, cluster-3, cluster-4 and 35 more"
    assert max(len(cell) for row in rows for cell in row) <= consistency.LETTERS
    text = html.page(report, Words.of("en"))
    assert "751 more rows are not shown here" in text
    assert len(text.encode()) < 500_000
