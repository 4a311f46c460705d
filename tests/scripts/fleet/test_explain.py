"""`fleet explain`: the settings of a cluster, and where each comes from."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from ops.pulumi import workspace
from scripts.fleet.__main__ import cli
from tests.model.examples import EXISTING, SETTINGS

Run = Callable[..., str]


@pytest.fixture
def explain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in a checkout with two stacks."""
    for stack, fleet in (("dev", SETTINGS), ("prod", EXISTING)):
        file = tmp_path / f"Pulumi.{stack}.yaml"
        file.write_text(yaml.safe_dump({"config": {"kubeadm-fleet:fleet": fleet}}, sort_keys=False))
    monkeypatch.setattr(
        workspace,
        "open_workspace",
        lambda stack: workspace.Workspace(stack, tmp_path, {}, tmp_path),
    )

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(cli, ["explain", *arguments], prog_name="fleet")
        if result.exception and not isinstance(result.exception, SystemExit):
            return str(result.exception)
        assert result.exit_code == 0, result.output
        return result.output

    return run


def rows(table: str) -> dict[str, list[str]]:
    header, *lines = table.splitlines()
    assert header.split() == ["PATH", "VALUE", "FROM"]
    return {path: rest for path, *rest in map(str.split, lines)}


def test_every_setting_is_shown_with_its_value_and_its_origin(explain: Run) -> None:
    shown = rows(explain("cluster1"))
    root = "kubeadm-fleet:fleet"
    own = f"{root}.clusters.cluster1"
    assert shown["kubelet.maxPods"] == ["50", f"{own}.kubelet.maxPods"]
    assert shown['kubelet.evictionHard["nodefs.available"]'] == [
        *("2Gi", f'{root}.kubelet.evictionHard["nodefs.available"]'),
    ]
    assert shown["workers.memory"] == ["2Gi", f"{root}.machines.memory"]
    assert shown["workers.taints"][-1] == f"{own}.workers.taints"
    assert shown["upgrades.force"] == ["true", f"{own}.upgrades.force"]
    assert shown["networking.podSubnet"] == ["10.244.0.0/16", "default"]
    assert shown["controlPlanes.taints"] == ["[]", f"{own}.controlPlanes.taints"]
    assert shown['workers.labels["node-role.kubernetes.io/database"]'][0] == '""'
    assert shown["artifacts.mirror"] == ["-", "default"]


def test_lists_are_shown_as_they_are_written(explain: Run) -> None:
    assert "[{region: osaka}]" in explain("cluster1", "upgrades.canaries")
    taint = "[node-role.kubernetes.io/control-plane:NoSchedule]"
    assert rows(explain("cluster2", "controlPlanes.taints")) == {
        "controlPlanes.taints": [taint, "default"]
    }


@pytest.mark.parametrize(
    ("setting", "paths"),
    [
        ("upgrades.force", ["upgrades.force"]),
        (
            "scheduler",
            [
                'scheduler.files["profiles.yaml"]',
                "scheduler.extraVolumes",
                "scheduler.extraArgs.v",
                "scheduler.extraArgs.bind-address",
            ],
        ),
        ("network", ["network"]),
    ],
)
def test_one_setting_and_those_below_it(explain: Run, setting: str, paths: list[str]) -> None:
    assert list(rows(explain("cluster1", setting))) == paths


def test_a_machine_s_own_settings_are_among_them(explain: Run) -> None:
    shown = rows(explain("-s", "prod", "cluster1", "controlPlanes.hosts.cp-b"))
    path = "controlPlanes.hosts.cp-b.port"
    assert shown[path] == ["2222", f"kubeadm-fleet:fleet.clusters.cluster1.{path}"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["cluster3"], "no cluster cluster3; the stack's clusters: cluster1, cluster2"),
        (["cluster1", "worker.count"], "did you mean workers.count?"),
        (["cluster1", "bogus"], "bogus is not set for cluster1 and has no default"),
        (["cluster1", "kubelet.podPidsLimit"], "is not set for cluster1 and has no default"),
        (["-s", "prod", "cluster1", "workers.count"], "workers.count is not set"),
        (["-s", "test", "cluster1"], "no stack file Pulumi.test.yaml"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(
    explain: Run, arguments: list[str], says: str
) -> None:
    assert says in explain(*arguments)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not a stack file"),
        ("config: {a: {010: b}}", "Pulumi.dev.yaml: not a stack file: line 1: 010 is read as"),
        ("config: {}", "has no config value kubeadm-fleet:fleet"),
        ("config: {kubeadm-fleet:fleet: {clusters: {}}}", "no cluster is defined"),
    ],
)
def test_a_stack_file_that_cannot_be_explained(
    explain: Run, tmp_path: Path, content: str, says: str
) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(content)
    assert says in explain("cluster1")
