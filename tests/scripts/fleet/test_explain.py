"""`fleet explain`: the settings of a cluster, and where each comes from."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from ops.pulumi import workspace
from scripts import report_schema
from scripts.fleet import config_keys
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
    """The value and the config path of each setting."""
    header, *lines = table.splitlines()
    assert header.split() == ["PATH", "VALUE", "FROM", "WHERE", "KEY"]
    return {words[0]: [words[1], words[-1]] for words in map(str.split, lines)}


def test_every_setting_is_shown_with_its_value_and_its_origin(explain: Run) -> None:
    shown = rows(explain("cluster1", "-o", "wide"))
    root = "kubeadm-fleet:fleet"
    own = f"{root}.clusters.cluster1"
    assert shown["kubelet.maxPods"] == ["50", f"{own}.kubelet.maxPods"]
    assert shown['kubelet.evictionHard["nodefs.available"]'] == [
        *("2Gi", f'{root}.kubelet.evictionHard["nodefs.available"]'),
    ]
    assert shown["workers.memory"] == ["2Gi", f"{root}.machines.memory"]
    assert shown["workers.taints"][-1] == f"{own}.workers.taints"
    assert shown["upgrades.force"] == ["true", f"{own}.upgrades.force"]
    assert shown["networking.podSubnet"] == ["10.244.0.0/16", "-"]
    assert shown["controlPlanes.taints"] == ["[]", f"{own}.controlPlanes.taints"]
    assert shown['workers.labels["node-role.kubernetes.io/database"]'][0] == '""'
    assert shown["artifacts.mirror"] == ["-", "-"]


def test_lists_are_shown_as_they_are_written(explain: Run) -> None:
    assert "[{region: osaka}]" in explain("cluster1", "upgrades.canaries")
    taint = "[node-role.kubernetes.io/control-plane:NoSchedule]"
    assert rows(explain("cluster2", "controlPlanes.taints", "-o", "wide")) == {
        "controlPlanes.taints": [taint, "-"]
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
    assert list(rows(explain("cluster1", setting, "-o", "wide"))) == paths


def test_a_machine_s_own_settings_are_among_them(explain: Run) -> None:
    shown = rows(explain("-s", "prod", "cluster1", "controlPlanes.hosts.cp-b", "-o", "wide"))
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


LAYERS = """\
config:
  kubeadm-fleet:fleet:
    kubernetesVersion: 1.36.3
    machines: {driver: container, cpus: 2, memory: 2Gi}
    kubelet: &kubelet
      maxPods: 100
      podPidsLimit: 1000
    overrides:
    - selector: environment=prod
      kubelet: {podPidsLimit: 2000}
      upgrades: {maxUnavailable: 2}
    clusters:
      cluster1:
        labels: {environment: prod}
        machines: {subnet: 10.89.1.0/24}
        upgrades: {drainTimeout: 5m}
        workers:
          memory: 3Gi
          pools:
            big: {count: 1, memory: 4Gi}
            small: {count: 1}
      cluster2:
        machines: {subnet: 10.89.2.0/24}
        kubelet:
          <<: *kubelet
          maxPods: 50
"""


@pytest.fixture
def layered(explain: Run, tmp_path: Path) -> Run:
    (tmp_path / "Pulumi.dev.yaml").write_text(LAYERS)
    return explain


@pytest.mark.parametrize(
    ("cluster", "setting", "value", "source", "line"),
    [
        ("cluster1", "kubelet.maxPods", "100", "fleet", 6),
        ("cluster1", "kubelet.podPidsLimit", "2000", "override environment=prod", 10),
        ("cluster1", "upgrades.maxUnavailable", "2", "override environment=prod", 11),
        ("cluster1", "upgrades.drainTimeout", "5m", "cluster", 16),
        ("cluster1", "workers.pools.big.memory", "4Gi", "pool", 20),
        ("cluster1", "workers.pools.small.memory", "3Gi", "cluster", 18),
        ("cluster1", "controlPlanes.memory", "2Gi", "fleet", 4),
        ("cluster2", "kubelet.maxPods", "50", "cluster", 26),
        # What a merge key brings is where it is written.
        ("cluster2", "kubelet.podPidsLimit", "1000", "cluster", 7),
    ],
)
def test_the_layer_and_the_line_of_a_value_are_shown(
    layered: Run, cluster: str, setting: str, value: str, source: str, line: int
) -> None:
    _, row = layered(cluster, setting).splitlines()
    assert row.split() == [setting, value, *source.split(), f"Pulumi.dev.yaml:{line}"]


def test_a_machine_and_a_default_are_layers(explain: Run) -> None:
    _, row = explain("-s", "prod", "cluster1", "controlPlanes.hosts.cp-b.port").splitlines()
    assert row.split()[2] == "machine"
    _, row = explain("cluster1", "networking.podSubnet").splitlines()
    assert row.split()[2:] == ["default", "-"]


def test_documents_have_the_fields_of_the_schema(layered: Run) -> None:
    document = json.loads(layered("cluster1", "-o", "json"))
    schema = json.loads((report_schema.DOCS / "settings.schema.json").read_text())
    assert document.keys() == schema["properties"].keys()
    for entry in document["settings"]:
        assert entry.keys() == schema["$defs"]["ExplainedSetting"]["properties"].keys()
    by_path = {entry["path"]: entry for entry in document["settings"]}
    assert by_path["kubelet.podPidsLimit"] == {
        "path": "kubelet.podPidsLimit",
        "value": 2000,
        "layer": "override",
        "configPath": "kubeadm-fleet:fleet.overrides[0].kubelet.podPidsLimit",
        "selector": "environment=prod",
        "file": "Pulumi.dev.yaml",
        "line": 10,
    }
    assert yaml.safe_load(layered("cluster1", "-o", "yaml")) == document


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("upgrades.maxUnavailable", ["upgrades.maxUnavailable", "an override", "a cluster"]),
        ("clusters.tokyo.labels", ["clusters.<name>.labels"]),
        ("overrides[3].kubelet", ["overrides[].kubelet"]),
        ("kubeadm-fleet:fleet.overrides", ["Keys below it:", "overrides[].selector"]),
        ("kubelet.maxPods", ["maxPods     a whole number"]),
        ("kubelet.clusterDNS", ["cannot be set: derived from networking.serviceSubnet"]),
        ("clusters.a.workers.pools.b.count", ["clusters.<name>.workers.pools.<name>.count"]),
    ],
)
def test_a_key_is_described(explain: Run, key: str, says: list[str]) -> None:
    shown = explain("--config", key)
    for text in says:
        assert text in shown
    assert max(map(len, shown.splitlines())) <= 120


def test_every_key_can_be_described() -> None:
    for key in config_keys.listed().split():
        assert f"key         {key}\n" in config_keys.describe(key)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--config", "upgrade"], "the config has no key upgrade: did you mean upgrades"),
        (["--config", "upgrades", "x"], "--config takes one KEY"),
        ([], "name a CLUSTER, or use --config"),
    ],
)
def test_wrong_usage_is_an_error(arguments: list[str], says: str) -> None:
    result = CliRunner().invoke(cli, ["explain", *arguments], prog_name="fleet")
    assert result.exit_code != 0
    assert says in result.output + str(result.exception)
