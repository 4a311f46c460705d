"""Links and paths in documents exist, and indexes are complete."""

import re
from pathlib import Path

import pytest

from tests.docs.documents import DOCUMENTS, RUNBOOKS, TOP, name, spans, without_blocks

LINK = re.compile(r"\]\(([^)\s]+)\)")
ROOMS = ("model", "ops", "components", "scripts", "manifests", "tests", "docs")
IN_ROOM = re.compile(rf"({'|'.join(ROOMS)})/[\w./*-]*|[\w-]+\.(md|yaml|toml)|\.[\w-]+\.yaml")
ADRS = sorted(TOP.glob("docs/adr/[0-9]*.md"))
STATUS = re.compile(r"^Date: (\d{4}-\d\d-\d\d) · Status: (accepted|superseded by \d{4})$", re.M)


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", without_blocks(path), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_links_resolve(path: Path) -> None:
    broken = []
    for link in LINK.findall(without_blocks(path)):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


# Decisions are not rewritten: what they name may have moved since.
@pytest.mark.parametrize("path", [each for each in DOCUMENTS if each not in ADRS], ids=name)
def test_files_that_a_document_names_exist(path: Path) -> None:
    named = {word.rstrip(".,:") for span in spans(path) for word in span.split()}
    missing = [
        each
        for each in named
        if IN_ROOM.fullmatch(each) and not list(TOP.glob(each)) and not list(path.parent.glob(each))
    ]
    assert missing == []


def test_the_index_of_decisions_lists_each_with_its_date_and_status() -> None:
    index = (TOP / "docs/adr/README.md").read_text()
    numbers = [int(path.name[:4]) for path in ADRS]
    assert numbers == list(range(1, len(numbers) + 1))
    for path in ADRS:
        text = path.read_text()
        title = text.partition("\n")[0].partition(". ")[2]
        dated = STATUS.search(text)
        assert dated, path
        row = f"| [{path.name[:4]}]({path.name}) | {title} | {dated[1]} | {dated[2]} |"
        assert row in index


def test_the_index_of_runbooks_lists_each_once() -> None:
    index = (TOP / "docs/runbooks/README.md").read_text()
    for path in RUNBOOKS:
        if path.name != "README.md":
            assert index.count(f"({path.name})") == 1


@pytest.mark.parametrize("path", RUNBOOKS, ids=name)
def test_a_runbook_ends_with_what_to_type(path: Path) -> None:
    if path.name != "README.md":
        assert "what to type" in path.read_text().lower()
