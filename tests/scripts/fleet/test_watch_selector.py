"""`fleet watch --selector`: which clusters of a stack are watched, also after labels change."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from model.selectors import LabelSelector
from ops.errors import OperatorError
from scripts.fleet import access, kubeconfig, watch_credential
from scripts.fleet.commands.watch import command
from scripts.fleet.watch_command import Following
from scripts.fleet.watch_credential import Renewing

CLUSTERS = {"a": {"env": "prod"}, "b": {"env": "dev"}, "c": {"env": "prod", "region": "osaka"}}


class Stack:
    """A stack's outputs, as the last `fleet up` left them."""

    def __init__(self) -> None:
        self.labels: dict[str, dict[str, str]] = dict(CLUSTERS)
        self.workspace: Any = type("Workspace", (), {"stack": "prod"})
        self.is_broken = False

    def outputs(self) -> dict[str, Any]:
        if self.is_broken:
            raise OperatorError("the stack cannot be read")
        return {"clusters": {name: {"labels": its} for name, its in self.labels.items()}}

    def kubeconfig(self) -> str:
        contexts = [
            {"name": f"{name}-watch", "context": {"cluster": name, "user": "watch"}}
            for name in self.labels
        ]
        clusters = [{"name": name, "cluster": {"server": "https://x"}} for name in self.labels]
        return yaml.safe_dump({"contexts": contexts, "clusters": clusters})


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stack:
    made = Stack()
    monkeypatch.setenv("KUBEADM_FLEET_STATE", str(tmp_path))
    monkeypatch.setattr(watch_credential, "existing_engine", lambda _stack: made)
    monkeypatch.setattr(access, "kubeconfig_of", lambda engine, _user: engine.kubeconfig())
    monkeypatch.setattr(kubeconfig, "renewal_time", lambda _text: None)
    return made


def renewing(selector: str) -> Renewing:
    return watch_credential.renewing("prod", "watch", LabelSelector.parse(selector))


@pytest.mark.parametrize(
    ("selector", "expected"),
    [("env=prod", ["a", "c"]), ("env=prod,region!=osaka", ["a"]), ("env in (dev)", ["b"])],
)
def test_clusters_are_chosen_by_their_labels(
    stack: Stack, selector: str, expected: list[str]
) -> None:
    made = renewing(selector)
    assert list(Following(made.path, (), made.is_chosen).read()) == expected


def test_without_a_selector_all_are_watched(stack: Stack) -> None:
    made = watch_credential.renewing("prod", "watch")
    assert list(Following(made.path, (), made.is_chosen).read()) == list(CLUSTERS)


def test_labels_that_change_are_followed(stack: Stack) -> None:
    made = renewing("env=prod")
    following = Following(made.path, (), made.is_chosen)
    following.read()
    assert following.changed() is None
    stack.labels = {"a": {"env": "dev"}, "b": {"env": "dev"}, "c": {"env": "prod"}, "d": {}}
    made.issue()
    assert list(following.changed() or ()) == ["c"]
    # The last one goes as well: nothing is watched, and not everything.
    stack.labels = {"a": {}, "c": {}}
    made.issue()
    assert following.changed() == {}


def test_a_stack_that_cannot_be_read_changes_nothing(stack: Stack) -> None:
    made = renewing("env=prod")
    following = Following(made.path, (), made.is_chosen)
    following.read()
    stack.is_broken = True
    with pytest.raises(OperatorError):
        made.issue()
    assert following.changed() is None
    assert made.is_chosen("a") and not made.is_chosen("b")


def test_a_selector_that_nothing_matches_is_refused_with_the_labels(stack: Stack) -> None:
    with pytest.raises(OperatorError, match=r"no cluster .* matches .*env=test.*b: env=dev"):
        renewing("env=test")


@pytest.mark.parametrize("more", [(), ("--print-unit",)])
def test_what_knows_no_labels_is_refused(more: tuple[str, ...]) -> None:
    result = CliRunner().invoke(command, ["-l", "env=prod", "--kubeconfig", "x", *more])
    assert result.exit_code == 2
    assert "labels are those of a stack" in result.output
    result = CliRunner().invoke(command, ["-l", "a=b", "--user", "x", "--cluster", "c", *more])
    assert "--cluster and --selector cannot be combined" in result.output
    assert CliRunner().invoke(command, ["-l", "a=", "--user"]).exit_code == 2
