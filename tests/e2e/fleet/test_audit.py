"""`fleet audit` on clusters: what people did there, from the logs of real API servers."""

import json
import subprocess
from typing import Any

import pytest

from model.audit import questions
from model.audit.events import Event, parse
from model.audit.query import Query
from model.audit.questions import Question
from model.audit.resources import ObjectName
from model.render.node_paths import AUDIT_FOLDER
from tests.e2e.kubectl import Kubectl
from tests.e2e.machines import Machines
from tests.e2e.pod_network import IMAGE
from tests.e2e.pulumi_stack import CHECKOUT, PulumiStack
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow]

NAMESPACE, CLUSTERS = "audited", ("cluster1", "cluster2")
CONTROL_PLANES = [f"{cluster}-control-plane-0" for cluster in CLUSTERS]
ADMIN = "kubeadm-fleet-admin"
AS_MALLORY = ("--as", "mallory", "--as-group", "system:authenticated")


@pytest.fixture(scope="module")
def done(fleet: PulumiStack, kubectl: Kubectl) -> None:
    """What happens on each cluster."""
    for cluster in CLUSTERS:
        there = kubectl.within(f"{cluster}-admin")
        there("create", "namespace", NAMESPACE)
        within = ("--namespace", NAMESPACE)
        there(*within, "create", "secret", "generic", "db", "--from-literal=password=hunter2")
        there(*within, "get", "secret", "db")
        there(*within, "create", "configmap", "settings", "--from-literal=a=b")
        there(*within, "delete", "configmap", "settings")
        there(*within, "run", "web", f"--image={IMAGE}", "--command", "--", "sleep", "3600")
        there(*within, "patch", "pod", "web", "--patch", '{"metadata":{"labels":{"a":"b"}}}')
        there(*within, "wait", "--for=condition=Ready", "--timeout=120s", "pod/web")
        there(*within, "exec", "web", "--", "echo", "it is's")
        there("get", "componentstatuses")
        with pytest.raises(AssertionError, match="Forbidden"):
            there(*within, *AS_MALLORY, "delete", "pod", "web")


def shown(fleet: PulumiStack, *words: str) -> str:
    """What `fleet audit` prints, which must have read every log."""
    ended = subprocess.run(
        [str(CHECKOUT / ".venv/bin/fleet"), "audit", *words, "--stack", fleet.name],
        env=fleet.environment,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def ask(fleet: PulumiStack, *words: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(shown(fleet, *words, "-o", "json"))
    return document


def answer(fleet: PulumiStack, *words: str) -> list[dict[str, Any]]:
    """The events of the namespace, which both clusters must have alike; those of the first."""
    found = ask(fleet, *words, "-n", NAMESPACE)["events"]
    by_cluster = [[each for each in found if each["cluster"] == name] for name in CLUSTERS]
    assert len(by_cluster[0]) == len(by_cluster[1]) > 0, found
    return by_cluster[0]


def test_who_changed_what(fleet: PulumiStack, done: None) -> None:
    found = answer(fleet, "changes")
    assert {each["user"] for each in found} == {ADMIN}
    did = [(each["verb"], each["resource"], each["name"]) for each in found]
    assert did == [
        ("create", "secrets", "db"),
        ("create", "configmaps", "settings"),
        ("delete", "configmaps", "settings"),
        ("create", "pods", "web"),
        ("patch", "pods", "web"),
    ]
    assert found[-1]["changedFields"] == ["metadata.labels.a"]
    assert "hunter2" not in json.dumps(found)


def test_who_was_denied(fleet: PulumiStack, done: None) -> None:
    # A pod that is created before its namespace's service account exists is denied as well.
    found = ask(fleet, "denied", "-n", NAMESPACE)["events"]
    events = [each for each in found if each["impersonatedUser"]]
    assert sorted(each["cluster"] for each in events) == sorted(CLUSTERS)
    for event in events:
        assert (event["user"], event["impersonatedUser"], event["code"]) == (ADMIN, "mallory", 403)
        assert 'User "mallory" cannot delete resource "pods"' in event["message"]


def test_who_read_a_secret(fleet: PulumiStack, done: None) -> None:
    (event,) = answer(fleet, "secrets", "db")
    assert (event["user"], event["verb"], event["name"]) == (ADMIN, "get", "db")


def test_who_was_in_a_container(fleet: PulumiStack, done: None) -> None:
    def events() -> list[dict[str, Any]]:
        return answer(fleet, "exec")

    await_true(lambda: all(each["ended"] for each in events()), "the sessions to end", seconds=30)
    (event,) = events()
    assert (event["user"], event["name"], event["subresource"]) == (ADMIN, "web", "exec")
    assert event["command"] == ["echo", "it is's"]


def test_who_deleted_it(fleet: PulumiStack, done: None) -> None:
    (event,) = answer(fleet, "who-deleted", "cm/settings")
    assert (event["user"], event["verb"]) == (ADMIN, "delete")


def test_who_uses_deprecated_apis(fleet: PulumiStack, done: None) -> None:
    found = ask(fleet, "deprecated", "--user", ADMIN)["clients"]
    by_kubectl = [each for each in found if each["resource"] == "componentstatuses"]
    assert [each["cluster"] for each in by_kubectl] == list(CLUSTERS)
    assert all(each["userAgent"].startswith("kubectl/") for each in by_kubectl)


def test_a_table_and_a_page(fleet: PulumiStack, done: None) -> None:
    for output in ("table", "wide", "html"):
        assert "settings" in shown(fleet, "changes", "-n", NAMESPACE, "-o", output)


POD = ObjectName.parse(("pods/web",), needs_name=True)
ASKED = (
    questions.changes(),
    questions.changes(POD),
    questions.denied(),
    questions.secrets(),
    questions.sessions(),
    questions.deletions(POD, frozenset((NAMESPACE,))),
    questions.deprecated(),
)


@pytest.mark.parametrize("machine", CONTROL_PLANES)
def test_real_lines_are_events_and_filters_keep_what_is_wanted(
    machines: Machines, done: None, machine: str
) -> None:
    """The order of fields is no promise of Kubernetes': another one would hide events."""
    copy = "/run/audited"
    machines.run(machine, f"cat {AUDIT_FOLDER}/audit*.log >{copy}")
    # The last one may be incomplete.
    lines = machines.run(machine, f"cat {copy}").encode().splitlines()[:-1]
    events = [parse(line) for line in lines]
    assert [line for line, event in zip(lines, events, strict=True) if event is None] == []
    for question in ASKED:
        kept = set(lines)
        query = _query(question, [event for event in events if event])
        for part in query.filters:
            option, *patterns = str(part).splitlines()
            given = " ".join(f"--regexp='{each}'" for each in patterns)
            found = machines.run(
                machine, f"LC_ALL=C grep --text {option} {given} {copy} || (($? == 1))"
            )
            kept &= set(found.encode().splitlines())
        wanted = {
            line
            for line, event in zip(lines, events, strict=True)
            if event and query.answer(event, line)
        }
        assert wanted <= kept, question.name


def _query(question: Question, events: list[Event]) -> Query:
    last = max(event.reached for event in events)
    return Query(question, last, since=min(event.received for event in events))
