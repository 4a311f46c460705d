"""Writes the README's picture of the report: `python -m tests.scripts.fleet.report.picture`."""

import tempfile
from pathlib import Path

from scripts.fleet.report_page import html
from scripts.fleet.report_page.words import Words
from tests.scripts.conftest import TOP
from tests.scripts.fleet.report import sample
from tests.scripts.fleet.report.browser import browser

PICTURE = TOP / "docs" / "report.png"


def main() -> None:
    """Write the upper part of the sample's page."""
    with tempfile.TemporaryDirectory() as folder, browser() as page:
        file = Path(folder) / "report.html"
        file.write_text(html.page(sample.report(), Words.of("en")))
        page.open(file, 1280, 980)
        PICTURE.write_bytes(page.picture(whole=False))


if __name__ == "__main__":
    main()
