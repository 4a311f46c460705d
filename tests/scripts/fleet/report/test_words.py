"""The catalogues: every language says the same, and nothing is said that no page needs."""

from collections.abc import Iterable, Iterator, Mapping
from string import Formatter

import pytest

from model.fleet_report.grade import COSTS, GRADES
from scripts.fleet.report_page import html
from scripts.fleet.report_page.words import LANGUAGES, Words, catalogue
from tests.scripts.conftest import TOP
from tests.scripts.fleet.report import sample

ENGLISH = catalogue("en")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_there_are_two_languages() -> None:
    assert LANGUAGES == ("en", "ja")


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages_have_the_same_keys_and_placeholders(language: str) -> None:
    texts = catalogue(language)
    assert texts.keys() == ENGLISH.keys()
    # `one` may say that it is one without the number.
    different = {
        key: text
        for key, text in texts.items()
        if placeholders(text) - {"count"} != placeholders(ENGLISH[key]) - {"count"}
    }
    assert different == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_shown_as_they_are(language: str) -> None:
    odd = {key: text for key, text in catalogue(language).items()
           if not text.isprintable() or (text != text.strip() and key != "list.comma")}  # fmt: skip
    assert odd == {}


def test_japanese_is_japanese() -> None:
    same = {key for key, text in catalogue("ja").items() if text == ENGLISH[key]}
    assert same <= {
        "capacity.cpu",
        "certificates.kinds.authority",
        "changed.from-to",
        "graded.named",
    }


class Recorder(dict[str, str]):
    """A catalogue that knows which of its texts were asked for."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__(texts)
        self.asked: set[str] = set()

    def __getitem__(self, key: str) -> str:
        self.asked.add(key)
        return super().__getitem__(key)


def test_most_texts_are_on_the_page_of_the_sample() -> None:
    recorder = Recorder(ENGLISH)
    html.page(sample.report(), Words("en", recorder))
    missing = {key for key in _stems(ENGLISH.keys()) if key not in set(_stems(recorder.asked))}
    # What the sample is not: empty, new, silent, from a kubeconfig, without findings.
    rare = {key for key in missing if key.endswith((".none", ".unknown", ".first", ".nothing"))}
    assert missing - rare <= {
        *("audit.anonymous", "audit.more", "audit.truncated", "backups.corrupt", "backups.new"),
        *("certificates.from-api", "changed.better", "changed.ended", "changed.kind.cis"),
        *("changed.kind.nodes", "conditions.none", "cost.backup-corrupt.found", "duration.minutes"),
        *("exceptions.line", "exceptions.revoked", "exceptions.rotations", "graded.never"),
        *(
            "graded.clean",
            "graded.more",
            "graded.unread",
            "labels.skipped",
            "none",
            "unknown",
            "more",
        ),
        *("changed.kind.difference", "consistency.rest", "consistency.without-config"),
        *("overview.all-alike", "overview.all-fit", "overview.as-declared", "capacity.unplaced"),
        *("overview.all-answered", "overview.all-ready", "overview.expires", "severity.info"),
        *("state.omitted", "state.read", "state.unread", "cis.none-failed", "list.more"),
    }


def _stems(keys: Iterable[str]) -> Iterator[str]:
    """Yield keys without the number that they are for."""
    for key in keys:
        yield key.removesuffix(".one").removesuffix(".other")


def test_the_document_has_the_scale() -> None:
    text = (TOP / "docs/report.md").read_text()
    words = Words.of("en")
    for cost in COSTS:
        name = words(f"cost.{cost.code}.name")
        assert f"| `{cost.code}` | {name} | {cost.points} | {cost.most} |\n" in text
    for letter, least in GRADES:
        assert f"\n| {letter} | {least} to " in text
