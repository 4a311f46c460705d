"""docs/ledger.schema.json: the JSON schema of what `fleet certs -o json` prints."""

import json
from pathlib import Path

from model.pki.ledger import Ledger

SCHEMA = Path(__file__).resolve().parents[1] / "docs" / "ledger.schema.json"


def rendered() -> str:
    """Return the schema as file content."""
    schema = {
        **Ledger.model_json_schema(mode="serialization"),
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The certificates of a stack",
    }
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"
