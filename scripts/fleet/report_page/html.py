"""The page as one HTML file: without scripts, and without any other file."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from model.config.errors import visible
from model.fleet_report.document import FleetReport
from scripts.fleet.report_page.sections import sections
from scripts.fleet.report_page.words import Words

FOLDER = Path(__file__).parent / "templates"


def page(report: FleetReport, words: Words) -> str:
    """Return the page; everything on it that a cluster or a person has chosen is text."""
    style = Markup((FOLDER / "page.css").read_text("utf-8"))  # noqa: S704 (a file of the program)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    template = _environment().get_template("page.html.jinja")
    return template.render(
        words=words,
        report=report,
        sections=sections(report, words),
        style=style,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'",
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )


def _shown(value: Any) -> Any:
    """Return a text in one line, without what a reader would not see; markup as it is."""
    return value if isinstance(value, Markup) else visible(" ".join(str(value).split()))
