"""Writes the JSON schemas of stack files and of printed documents, the references, and what
Prometheus and Grafana read.
"""

import json
from pathlib import Path
from typing import Any

from model.config.schema import FleetConfig
from scripts import alert_rules, config_reference, dashboard, port_reference, report_schema

NULL = {"type": "null"}
ANNOTATIONS = ("default", "description", "examples", "title")
SCHEMA = Path(__file__).resolve().parents[1] / "docs" / "stack.schema.json"


def stack_schema() -> dict[str, Any]:
    """Return the schema of a `Pulumi.<stack>.yaml`; other config keys are not described."""
    fleet = FleetConfig.model_json_schema()
    definitions = fleet.pop("$defs")
    for described in (fleet, *definitions.values()):
        _allow_keys_without_value(described)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A stack of kubeadm-fleet",
        "type": "object",
        "required": ["config"],
        "properties": {
            "config": {
                "type": "object",
                "required": ["kubeadm-fleet:fleet"],
                "properties": {"kubeadm-fleet:fleet": fleet},
            }
        },
        "$defs": definitions,
    }


def _allow_keys_without_value(described: dict[str, Any]) -> None:
    """Let every optional key of an object be null: to the program, it is not set then."""
    properties = described.get("properties", {})
    for key in properties.keys() - set(described.get("required", ())):
        value = properties[key]
        if NULL not in value.get("anyOf", ()):
            kept = {name: value.pop(name) for name in ANNOTATIONS if name in value}
            properties[key] = {**kept, "anyOf": [value, NULL]}


def rendered() -> str:
    """Return the schema as file content."""
    return json.dumps(stack_schema(), indent=2, sort_keys=True) + "\n"


def main() -> None:
    """Write all files."""
    for path, text in (
        (SCHEMA, rendered()),
        *((path, report_schema.rendered(path)) for path in report_schema.DOCUMENTS),
        (config_reference.REFERENCE, config_reference.rendered()),
        (port_reference.REFERENCE, port_reference.rendered()),
        (alert_rules.REFERENCE, alert_rules.rendered()),
        (dashboard.REFERENCE, dashboard.rendered()),
    ):
        path.write_text(text, encoding="utf-8")
        print(f"==> schema: {path.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
