"""The JSON schemas of the documents that `fleet` prints for other programs."""

import json
from pathlib import Path

from model.audit.report import AuditReport
from model.backups import Backups
from model.capacity.report import CapacityReport
from model.cis.report import Report
from model.command_report import CommandReport
from model.consistency.report import Consistency, Difference
from model.fleet_report.document import FleetReport
from model.pki.ledger import Ledger
from model.report import ReportEntry
from model.settings_report import ExplainedCluster
from model.status.description import Description
from model.status.fleet import FleetStatus
from model.support_manifest import Manifest
from model.watch.event import Event

DOCS = Path(__file__).resolve().parents[1] / "docs"
# By file: the document, and what it is.
DOCUMENTS: dict[Path, tuple[type[ReportEntry], str]] = {
    DOCS / "ledger.schema.json": (Ledger, "What `fleet certs -o json` prints"),
    DOCS / "cis.schema.json": (Report, "What `fleet cis -o json` prints"),
    DOCS / "audit.schema.json": (AuditReport, "What `fleet audit -o json` prints"),
    DOCS / "exec.schema.json": (CommandReport, "What `fleet exec -o json` prints"),
    DOCS / "consistency.schema.json": (Consistency, "What `fleet consistency -o json` prints"),
    DOCS / "diff.schema.json": (Difference, "What `fleet diff -o json` prints"),
    DOCS / "status.schema.json": (FleetStatus, "What `fleet status -o json` prints"),
    DOCS / "describe.schema.json": (Description, "What `fleet describe -o json` prints"),
    DOCS / "capacity.schema.json": (CapacityReport, "What `fleet capacity -o json` prints"),
    DOCS / "settings.schema.json": (ExplainedCluster, "What `fleet explain -o json` prints"),
    DOCS / "support.schema.json": (Manifest, "The manifest of an archive of `fleet support`"),
    DOCS / "report.schema.json": (FleetReport, "What `fleet report -o json` prints"),
    DOCS / "watch.schema.json": (Event, "A line of `fleet watch -o json`, and what webhooks get"),
    DOCS / "backups.schema.json": (Backups, "What `fleet backup ls -o json` prints"),
}


def rendered(path: Path) -> str:
    """Return the schema as the content of this file."""
    document, title = DOCUMENTS[path]
    schema = {
        **document.model_json_schema(mode="serialization"),
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
    }
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"
