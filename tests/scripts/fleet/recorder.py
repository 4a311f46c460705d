"""Event logs of real runs, reduced to what a summary needs.

`python -m tests.scripts.fleet.recorder LOG NAME` makes `recorded/NAME.jsonl` from what
`pulumi --event-log LOG` wrote, and `python -m tests.scripts.fleet.recorder` writes all golden
summaries again; read the difference before keeping it.
"""

import io
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from ops.pulumi.events import parse_all
from scripts.fleet.changes import Changes
from scripts.fleet.summary import summary

RECORDED = Path(__file__).with_name("recorded")
WIDTH = 140
STATE = ("type", "urn", "custom", "parent")
INPUTS = ("cluster", "plan")
OUTPUTS = ("drift",)
MESSAGE = ("urn", "message", "severity", "ephemeral")


def names() -> list[str]:
    """Names of the recorded runs; the last word of each is its verb."""
    return sorted(path.stem for path in RECORDED.glob("*.jsonl"))


def events(name: str) -> list[dict[str, Any]]:
    """Events of a recorded run."""
    text = (RECORDED / f"{name}.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def rendered(name: str) -> str:
    """The summary of a recorded run, as a pipe gets it."""
    changes = Changes()
    changes.process(parse_all(events(name)))
    changes.finish()
    console = Console(file=io.StringIO(), width=WIDTH, highlight=False)
    console.print(summary(changes, "dev", preview=name.endswith("preview")))
    assert isinstance(console.file, io.StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


def shortened(event: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a summary needs of an event."""
    for kind in ("resourcePreEvent", "resOutputsEvent", "resOpFailedEvent"):
        if found := event.get(kind):
            metadata = found["metadata"]
            if metadata["op"] == "same" and kind == "resourcePreEvent":
                return None
            state = "new" if metadata.get("new") else "old"
            kept: dict[str, Any] = {key: metadata[key] for key in ("op", "urn", "type")}
            kept[state] = _state(metadata[state])
            return {kind: {"metadata": kept}}
    if found := event.get("diagnosticEvent"):
        if found["severity"] == "debug":
            return None
        kept = {key: found[key] for key in MESSAGE if key in found}
        kept["message"] = re.sub(r"/\S*/\.venv/", ".venv/", kept["message"])
        return {"diagnosticEvent": kept}
    return {"summaryEvent": event["summaryEvent"]} if "summaryEvent" in event else None


def _state(state: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: state[key] for key in STATE if key in state}
    for part, keys in (("inputs", INPUTS), ("outputs", OUTPUTS)):
        found = {key: value for key, value in (state.get(part) or {}).items() if key in keys}
        kept |= {part: found} if found and "Rollout" in state["type"] else {}
    return kept


def main() -> None:
    """Record a run, or write the golden summaries."""
    if len(sys.argv) == 3:
        log, name = Path(sys.argv[1]), sys.argv[2]
        found = [shortened(json.loads(line)) for line in log.read_text().splitlines()]
        lines = [f"{json.dumps(event)}\n" for event in found if event]
        (RECORDED / f"{name}.jsonl").write_text("".join(lines))
    for name in names():
        (RECORDED / f"{name}.txt").write_text(rendered(name))


if __name__ == "__main__":
    main()
