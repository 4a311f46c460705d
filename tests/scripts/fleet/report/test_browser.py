"""The page in a real browser: two widths, light and dark, keyboard, print, accessibility."""

import io
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pypdf
import pytest

from scripts.fleet.report_page import html
from scripts.fleet.report_page.words import LANGUAGES, Words
from tests.scripts.fleet.report import sample
from tests.scripts.fleet.report.browser import Page, browser

pytestmark = pytest.mark.slow
AXE = resources.files("axe_core_python") / "axe.min.js"
A4 = (595, 842)
# The width between the margins of the printed page, in CSS pixels.
PRINTED = 688
# Violations, each with the first element that has it.
CHECK = """axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.map(
  each => each.id + ': ' + each.nodes.slice(0, 2).map(node => node.html + ' ' +
  node.failureSummary).join(' | ')))"""
# What is wider than the page although it is in no box that scrolls.
WIDE = """[...document.querySelectorAll('body *')].filter(each => !each.closest('.scroll') &&
  !each.closest('.skip, .hidden') && each.getBoundingClientRect().right >
  document.documentElement.clientWidth + 1).map(each => each.outerHTML.slice(0, 80))"""
CUT = """[...document.querySelectorAll('table, svg, h2, h3, p, li')].filter(each =>
  each.getBoundingClientRect().right > document.documentElement.clientWidth + 1
).map(each => each.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser() as page:
        yield page


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("report")
    found = {}
    for language in LANGUAGES:
        found[language] = folder / f"{language}.html"
        found[language].write_text(html.page(sample.report(), Words.of(language)))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (375, False)])
def test_nothing_is_wider_than_the_window_and_axe_finds_nothing(
    page: Page, files: dict[str, Path], language: str, width: int, dark: bool
) -> None:
    page.messages.clear()
    page.requests.clear()
    page.open(files[language], width, dark=dark)
    assert page.run("document.documentElement.scrollWidth") == width
    assert page.run(WIDE) == []
    assert page.requests == [files[language].as_uri()], "no network"
    assert page.messages == []
    page.run("document.querySelectorAll('details').forEach(each => { each.open = true })")
    page.run(AXE.read_text())
    assert page.run(CHECK) == []


def test_the_keyboard_reaches_everything(page: Page, files: dict[str, Path]) -> None:
    page.open(files["en"], 375)
    page.key("Tab")
    assert page.run("document.activeElement.className") == "skip"
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert page.run("document.activeElement.getBoundingClientRect().top >= 0")
    page.key("Enter")
    assert page.run("document.activeElement.id") == "main"
    page.run("document.querySelector('summary').focus()")
    page.key("Enter")
    assert page.run("document.querySelector('details').open")


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_prints_on_a4_and_nothing_is_cut(
    page: Page, files: dict[str, Path], language: str
) -> None:
    page.open(files[language], PRINTED)
    page.call("Emulation.setEmulatedMedia", media="print", features=[])
    assert page.run(CUT) == []
    printed = pypdf.PdfReader(io.BytesIO(page.printed()))
    assert {
        (round(each.mediabox.width), round(each.mediabox.height)) for each in printed.pages
    } == {A4}
    assert 5 <= len(printed.pages) <= 14
    texts = [each.extract_text() for each in printed.pages]
    last = f"{len(texts)} / {len(texts)}"
    assert last in texts[-1]
    whole = "".join(texts)
    assert "ember" in whole, "what is closed on the screen is printed"
