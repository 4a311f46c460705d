"""Clusters that commands select by label."""

import json
from pathlib import Path
from typing import Any, cast

import click
import pytest
from click.testing import CliRunner

from model.selectors import LabelSelector
from ops.errors import OperatorError
from ops.pulumi.deployment import STACK, Deployment
from ops.pulumi.engine import Engine
from ops.pulumi.workspace import Workspace
from scripts.fleet import access, engine_run, targets
from scripts.fleet.__main__ import cli
from tests.scripts.fleet.test_kubeconfigs import contexts, exported

LABELS = {"cluster1": {"env": "dev", "region": "tokyo"}, "cluster2": {"env": "dev"}, "cluster3": {}}


class RecordedEngine:
    """An engine whose stack has three clusters."""

    def __init__(self, outputs: dict[str, Any] | None = None) -> None:
        self.workspace = Workspace("dev", Path("unused"), {})
        self._outputs = outputs or {
            "kubeconfig": exported(*LABELS),
            "clusters": {name: {"labels": labels} for name, labels in LABELS.items()},
        }

    def outputs(self) -> dict[str, Any]:
        return self._outputs

    def deployment(self) -> Deployment:
        stack = {"type": STACK, "urn": "dev", "outputs": self._outputs}
        return Deployment(json.dumps({"deployment": {"resources": [stack]}}))


def engine(outputs: dict[str, Any] | None = None) -> Engine:
    return cast("Engine", RecordedEngine(outputs))


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(access, "KUBECONFIG", tmp_path / "kubeconfig")
    monkeypatch.setattr(access, "FOLDER", tmp_path / "kubeconfigs")
    monkeypatch.setattr(targets, "FOLDER", tmp_path / "kubeconfigs")
    monkeypatch.setenv("KUBEADM_FLEET_STATE", str(tmp_path / "state"))
    for module in (access, engine_run):
        monkeypatch.setattr(module, "existing_engine", lambda _stack: engine())
    return tmp_path


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("env=dev", ["cluster1", "cluster2"]),
        ("region!=tokyo", ["cluster2", "cluster3"]),
        ("env,!region", ["cluster2"]),
        ("", list(LABELS)),
    ],
)
def test_clusters_match_by_the_labels_of_the_last_up(selector: str, expected: list[str]) -> None:
    assert access.matching_clusters(engine(), LabelSelector.parse(selector)) == expected


def test_a_selector_that_matches_nothing_is_answered_with_the_labels() -> None:
    with pytest.raises(OperatorError) as raised:
        access.matching_clusters(engine(), LabelSelector.parse("env=prod"))
    assert str(raised.value) == (
        "no cluster of the stack dev matches the selector env=prod; "
        "labels: cluster1: env=dev,region=tokyo; cluster2: env=dev; cluster3: none"
    )


def test_a_stack_without_the_output_says_what_to_run() -> None:
    with pytest.raises(OperatorError, match="complete a `fleet up dev` first"):
        access.matching_clusters(engine({"kubeconfig": ""}), LabelSelector())


def fleet(*arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(cli, arguments, prog_name="fleet")
    assert result.exit_code == status, result.output
    return result.output


@pytest.mark.usefixtures("checkout")
def test_status_shows_the_clusters_that_match() -> None:
    quick = ("--timeout", "2")
    assert "cluster3" in fleet("status", *quick, status=1), "none of them answers"
    shown = fleet("status", *quick, "-l", "env=dev", status=1)
    assert "cluster1" in shown
    assert "cluster2" in shown
    assert "cluster3" not in shown


def test_labels_are_read_again_only_if_something_has_changed(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fleet("status", "--timeout", "2", "-l", "env=dev", status=1)
    asked: list[str] = []

    def start(stack: str) -> Engine:
        asked.append(stack)
        return engine()

    monkeypatch.setattr(engine_run, "existing_engine", start)
    second = fleet("status", "--timeout", "2", "-l", "env=dev", status=1)
    assert asked == []
    for shown in (first, second):
        assert "cluster1" in shown
        assert "cluster3" not in shown
    file = checkout / "kubeconfigs/dev/cluster1"
    file.write_text(file.read_text() + "\n")
    fleet("status", "--timeout", "2", "-l", "env=dev", status=1)
    assert asked == ["dev"]


def test_kubeconfig_has_the_contexts_of_the_clusters_that_match(checkout: Path) -> None:
    fleet("kubeconfig", "--selector", "env in (dev),region notin (tokyo)")
    assert set(contexts(checkout / "kubeconfig")) == {"cluster2-admin"}
    files = (checkout / "kubeconfigs/dev").iterdir()
    assert sorted(file.name for file in files) == list(LABELS), "status still knows all of them"


@pytest.mark.usefixtures("checkout")
def test_kubeconfig_takes_names_or_a_selector() -> None:
    refused = fleet("kubeconfig", "--cluster", "cluster1", "-l", "env", status=2)
    assert "--cluster and --selector cannot be combined" in refused


@pytest.mark.parametrize("command", ["status", "kubeconfig"])
def test_an_invalid_selector_is_refused_with_what_is_expected(command: str) -> None:
    refused = click.unstyle(fleet(command, "-l", "env==dev,", status=2))
    assert "Invalid value for '-l' / '--selector'" in refused
    assert "not a label selector: expected a label key, got the end" in refused


@pytest.mark.usefixtures("checkout")
def test_a_command_is_run_for_the_clusters_that_match() -> None:
    command = ("--", "sh", "-c", 'echo "$FLEET_CLUSTER"; grep --count server: "$KUBECONFIG"')
    shown = json.loads(fleet("exec", "-l", "env=dev", "-o", "json", *command))
    assert [(each["cluster"], each["stdout"]) for each in shown["results"]] == [
        ("cluster1", "cluster1\n1\n"),
        ("cluster2", "cluster2\n1\n"),
    ]
