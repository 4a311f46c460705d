"""The engine's event log, read while it is written."""

import json
from pathlib import Path

from ops.pulumi.events import EventLog, Message, Step, StepPhase, Summary, parse, parse_all

URN = "urn:pulumi:dev::kubeadm-fleet::kubeadm-fleet:machine:Machine::c1-worker-0"


def test_only_complete_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "events"
    log = EventLog(path)
    assert list(log.read()) == []
    with path.open("w") as stream:
        stream.write('{"a": 1}\n{"b"')
        stream.flush()
        assert list(log.read()) == [{"a": 1}]
        assert list(log.read()) == []
        stream.write(": 2}\n")
        stream.flush()
        assert list(log.read()) == [{"b": 2}]


def test_a_step_has_its_new_state_or_the_old_one_when_deleted() -> None:
    old = {"parent": "p", "custom": True, "inputs": {"plan": {}}, "outputs": None}
    metadata = {"op": "delete", "urn": URN, "type": "t", "old": old, "new": None}
    found = parse({"resOutputsEvent": {"metadata": metadata}})
    assert found == Step(StepPhase.DONE, "delete", URN, "t", "p", True, {"plan": {}}, {})
    assert isinstance(found, Step)
    assert found.name == "c1-worker-0"


def test_irrelevant_events_are_ignored() -> None:
    log = [
        {"preludeEvent": {"config": {}}},
        {"diagnosticEvent": {"message": "m", "severity": "info", "ephemeral": True}},
        {"summaryEvent": {"resourceChanges": {"same": 1}, "durationSeconds": 2}},
        {"cancelEvent": {}},
    ]
    events = json.loads(json.dumps(log))
    assert parse_all(events) == [Message("", "info", "m", True), Summary({"same": 1}, 2)]
