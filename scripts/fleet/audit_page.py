"""The answer of `fleet audit` as one HTML file: without scripts, and without any other file."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape

from model.audit.report import AuditReport
from model.config.errors import visible
from scripts.fleet.audit_columns import rows, time_text

STYLE = """
:root { color-scheme: light dark; --line: #d0d7de; --head: #f6f8fa; --warn: #9a3412; }
body { margin: 2rem; font: 15px/1.5 system-ui, sans-serif; background: Canvas; color: CanvasText; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; padding: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem;
  border-bottom: 1px solid var(--line); }
thead th { background: var(--head); position: sticky; top: 0; font-size: 12px; }
td { font: 13px/1.5 ui-monospace, monospace; max-width: 20rem; overflow-wrap: break-word; }
th, td:first-child { white-space: nowrap; }
.table { overflow-x: auto; }
.warning { color: var(--warn); font-weight: 600; }
@media (prefers-color-scheme: dark) {
  :root { --line: #3d444d; --head: #21262d; --warn: #fdba74; }
}
@media print {
  @page { size: A4 landscape; margin: 12mm; }
  body { margin: 0; font-size: 9pt; }
  td { font-size: 7pt; overflow-wrap: anywhere; }
  thead th { font-size: 7pt; }
  th, td { padding: .15rem .3rem; }
  thead { display: table-header-group; }
  thead th { position: static; }
  tr { break-inside: avoid; }
  .table { overflow: visible; }
}
"""
HEAD, END = 'th scope="col"', "th"
TITLES = {
    "changes": "Who changed what",
    "denied": "Denied requests",
    "secrets": "Secrets that were read",
    "exec": "Sessions in containers",
    "who-deleted": "Who deleted it",
    "deprecated": "Clients of deprecated APIs",
}


def page(report: AuditReport) -> str:
    """Return the page; everything on it that a client has chosen is text."""
    title = TITLES[report.question]
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'"
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
            f"<main>\n<h1>{escape(title)}</h1>",
            f"<p>{escape(_period(report))}</p>",
            *_warnings(report),
            *_table(report),
            "</main>\n</body>\n</html>",
        ]
    )


def _period(report: AuditReport) -> str:
    since = time_text(report.since) if report.since else "the beginning of the logs"
    logs, clusters = len(report.sources), len({each.cluster for each in report.sources})
    return (
        f"From {since} until {time_text(report.until or report.time)}. Read: {logs} control "
        f"plane{'s' if logs != 1 else ''} of {clusters} cluster{'s' if clusters != 1 else ''}, "
        f"{time_text(report.time)}."
    )


def _warnings(report: AuditReport) -> Iterable[str]:
    if report.is_truncated:
        yield '<p class="warning">There is more: --limit shows the newest only.</p>'
    for unknown in report.unreadable:
        text = f"Not read: {unknown.cluster}, {unknown.node}: {unknown.reason}"
        yield f'<p class="warning">{escape(visible(text))}</p>'


def _table(report: AuditReport) -> Iterable[str]:
    found = rows(report, wide=True)
    if not found.rows:
        yield "<p>Nothing was found.</p>"
        return
    count = f"{len(found.rows)} row{'s' if len(found.rows) != 1 else ''}"
    yield f'<div class="table" tabindex="0" role="region" aria-label="{count}">\n<table>'
    yield f"<caption>{count}, times in UTC</caption>"
    yield f"<thead>{_row(found.titles, HEAD, 'th')}</thead>\n<tbody>"
    yield from (_row(row, "td", "td") for row in found.rows)
    yield "</tbody>\n</table>\n</div>"


def _row(cells: Sequence[str], begin: str, end: str) -> str:
    return f"<tr>{''.join(f'<{begin}>{escape(cell)}</{end}>' for cell in cells)}</tr>"
