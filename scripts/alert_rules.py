"""docs/monitoring/alerts.yaml: the alert rules for Prometheus, from model/watch/alerts.py."""

from pathlib import Path

import yaml

from model.watch import alerts

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "monitoring" / "alerts.yaml"
HEAD = """\
# Generated from model/watch/alerts.py by `make schema`: change the table there, not this file.
# docs/watch.md says how Prometheus gets the metrics. The runbooks' paths are those in the project.
"""


def rendered() -> str:
    """Return the rules as file content."""
    return HEAD + yaml.safe_dump(alerts.document(), sort_keys=False, width=1000)
