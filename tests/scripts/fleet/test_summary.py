"""Summaries of recorded runs."""

from dataclasses import replace
from typing import Any

import pytest

from model.load import load, warnings
from ops.pulumi.events import Event, Message, Step, StepPhase
from scripts.fleet.changes import CLUSTER, MACHINE, ROLLOUT, Change, Changes
from scripts.fleet.engine_messages import clean
from scripts.fleet.engine_run import show
from scripts.fleet.summary import _detail, headline, summary
from tests.model.examples import CONTAINER
from tests.scripts.fleet import recorder

NAMES = recorder.names()
STACK_URN = "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev"


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_run_has_its_summary(name: str) -> None:
    golden = (recorder.RECORDED / f"{name}.txt").read_text()
    again = "read the difference; then python -m tests.scripts.fleet.recorder"
    assert recorder.rendered(name) == golden, again


STEP = "pulumi-python:dynamic/kubeadm-fleet:Step"


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:dev::p::{kind}::{name}"


C1 = urn(CLUSTER, "c1")
WORKER = urn(MACHINE, "c1-worker-0")


def step(kind: str, name: str, parent: str, op: str, phase: StepPhase = StepPhase.DONE) -> Step:
    return Step(phase, op, urn(kind, name), kind, parent, kind not in (CLUSTER, MACHINE))


def cluster(op: str = "same") -> list[Event]:
    return [step(CLUSTER, "c1", "", op), step(MACHINE, "c1-worker-0", C1, op)]


def gathered(*events: Event) -> Changes:
    changes = Changes()
    changes.process(events)
    changes.finish()
    return changes


@pytest.mark.parametrize(
    ("op", "phase", "expected"),
    [
        ("update", StepPhase.DONE, Change.CHANGED),
        ("create-replacement", StepPhase.DONE, Change.CHANGED),
        ("same", StepPhase.DONE, None),
        ("update", StepPhase.FAILED, Change.FAILED),
    ],
)
def test_the_change_of_a_machine_follows_from_its_resources(
    op: str, phase: StepPhase, expected: Change | None
) -> None:
    host = step(
        "c1-worker-0-prepare",
        STEP,
        f"c1-worker-0/{MACHINE}",
        op,
        phase,
    )
    found = gathered(*cluster(), host)
    subject = found.subject(host.urn)
    assert subject.change == expected
    assert found.any == (expected is not None)


def test_a_cluster_that_is_only_checked_again_says_so() -> None:
    """As after a run that was interrupted before its last step."""
    health = "pulumi-python:dynamic/kubeadm-fleet:ClusterHealthCheck"
    check, rollout = (step(kind, f"c1-{kind[-3:]}", C1, "update") for kind in (health, ROLLOUT))
    found = gathered(*cluster(), check)
    assert _detail(found.clusters["c1"]) == "its health is checked"
    found = gathered(*cluster(), check, rollout)
    assert _detail(found.clusters["c1"]) == "its health is checked, its machines are inspected"
    host = step("c1-worker-0-prepare", STEP, WORKER, "update")
    assert _detail(gathered(*cluster(), host, check).clusters["c1"]) == ""


def test_repeated_messages_are_shown_once() -> None:
    twice = [Message(urn(STEP, str(n)), "warning", "the key is not set\n") for n in range(2)]
    assert [each.text for each in gathered(*twice).warnings] == ["the key is not set"]


def test_messages_of_the_engine_about_itself_are_omitted() -> None:
    noise = [
        *(Message("", "error", f"{verb} canceled") for verb in ("preview", "update")),
        Message(STACK_URN, "error", "update failed\n"),
        Message("", "info", "some progress"),
    ]
    found = gathered(*noise)
    assert (found.errors, found.warnings) == ([], [])


def test_a_warning_about_networks_has_its_line_in_the_summary(
    capsys: pytest.CaptureFixture[str],
) -> None:
    texts = warnings(load(CONTAINER))
    found = gathered(*(Message(STACK_URN, "warning", text) for text in texts))
    show(summary(found, "dev", preview=True))
    lines = capsys.readouterr().out.split("Warnings:\n")[1]
    assert lines.startswith(
        "  kubeadm-fleet:fleet.clusters.cluster2.networking.podSubnet: overlaps 10.244.0.0/16 "
    )
    assert "\n      example:  podSubnet: 10.245.0.0/16\n" in lines
    assert "  kubeadm-fleet:fleet.clusters.cluster2.networking.serviceSubnet: overlaps" in lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ops.errors.OperatorError: m: no route to it", "m: no route to it"),
        ("error: Exception calling application: ops.errors.OperatorError: m: gone", "m: gone"),
        (
            "Program failed:\nTraceback (most recent call last):\n"
            '  File "x.py", line 1, in f\n    f()\nValueError: broken\n',
            "Program failed:\nValueError: broken",
        ),
        (
            "the stack's config has 1 problem:\n  a.b: missing\n",
            "the stack's config has 1 problem:\n  a.b: missing",
        ),
        ("https://example.com: Refused: try again", "https://example.com: Refused: try again"),
    ],
)
def test_errors_have_neither_class_names_nor_tracebacks(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_a_rejection_is_assigned_to_its_cluster_without_a_step() -> None:
    refused = Message(urn(ROLLOUT, "c1-rollout"), "error", "neither etcd can go back")
    found = gathered(*cluster(), refused)
    assert found.clusters["c1"].change is Change.FAILED


def test_a_machine_whose_host_is_replaced_is_replaced() -> None:
    host = step("some:Host", "c1-worker-0", WORKER, "replace")
    found = gathered(*cluster(), host)
    assert found.subject(host.urn).change is Change.REPLACED
    assert found.clusters["c1"].change is Change.CHANGED


def test_a_refresh_reports_drift_and_not_an_earlier_plan() -> None:
    known = {"cluster": "c1", "plan": {"c1-worker-0": "added: a new machine joins"}}
    drift = {"c1-worker-0": [{"kind": "marks", "why": "label disk=ssd is missing"}]}
    began = Step(StepPhase.STARTED, "refresh", urn(ROLLOUT, "r"), ROLLOUT, C1, True, known, {})
    ended = replace(began, phase=StepPhase.DONE, op="update", outputs={"drift": drift})
    found = gathered(*cluster(), began, ended)
    sentence = found.clusters["c1"].machines["c1-worker-0"].sentence
    assert sentence == "drifted: label disk=ssd is missing"
    same = gathered(*cluster(), began, replace(ended, op="same", outputs={"drift": {}}))
    assert same.clusters["c1"].change is None


def test_the_headline_counts_drained_machines() -> None:
    inputs: dict[str, Any] = {
        "cluster": "c1",
        "plan": {"c1-worker-0": "upgraded: drained, kubelet restarted"},
    }
    rollout = Step(StepPhase.STARTED, "update", urn(ROLLOUT, "r"), ROLLOUT, C1, True, inputs)
    found = gathered(*cluster(), rollout)
    assert headline(found, "prod", preview=True) == "prod: +0 ~1 -0, 1 machine changed, 1 drained"
    inputs["policy"] = {"drain_seconds": 300.0}
    assert headline(gathered(*cluster(), rollout), "prod", preview=True).endswith(
        "1 drained (up to 300 s each)"
    )
    inputs["plan"] = {"c1-worker-0": "upgraded: not drained, as there is no other machine"}
    assert "drained" not in headline(gathered(*cluster(), rollout), "prod", preview=True)


def test_pending_changes_of_unavailable_machines_are_shown() -> None:
    left_out = {
        "c1-worker-0": {
            "reason": "unreachable: no route to host",
            "since": "2026-11-26T01:00:00+00:00",
            "pending": "upgraded: drained, kubelet restarted",
        }
    }
    known = {"unavailable": left_out}
    began = Step(
        StepPhase.STARTED, "update", urn(ROLLOUT, "r"), ROLLOUT, C1, True,
        {"cluster": "c1", "plan": {}}, former=known,
    )  # fmt: skip
    ended = replace(began, phase=StepPhase.DONE, former={}, outputs=known)
    refreshed = replace(began, op="refresh", former={})
    for steps, preview in (
        ([began], True),
        ([replace(began, former={}), ended], False),
        ([refreshed, replace(ended, op="same")], False),
    ):
        found = gathered(*cluster(), *steps)
        assert found.clusters["c1"].machines["c1-worker-0"].sentence == (
            "unavailable since 2026-11-26 01:00 UTC (unreachable: no route to host); pending: "
            "upgraded: drained, kubelet restarted"
        )
        assert "drained" not in headline(found, "prod", preview=preview)


def test_an_unchanged_stack_is_reported() -> None:
    assert headline(gathered(*cluster()), "dev", preview=False) == "dev: no changes (2 resources)"
