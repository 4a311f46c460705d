"""`fleet consistency` and `fleet diff`, run against an API: choices, formats, exit statuses."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from model.consistency.objects import SYSTEM_NAMESPACES
from ops.kube.cluster_facts import APPS, CONFIG_MAPS, RULES
from scripts.fleet import declared_clusters, targets
from scripts.fleet.__main__ import cli
from tests.ops.kube.api_server import Api, serving
from tests.scripts.conftest import TOP

SCHEMA = json.loads((TOP / "docs/consistency.schema.json").read_text())
NODE = "n0"
LISTS = (
    *("/api/v1/namespaces", "/apis/networking.k8s.io/v1/networkpolicies"),
    "/api/v1/namespaces/kube-system/pods",
    *RULES.values(),
    *(f"{APPS}/{name}/daemonsets" for name in SYSTEM_NAMESPACES),
    *(f"{APPS}/{name}/deployments" for name in SYSTEM_NAMESPACES),
    *(CONFIG_MAPS.format(name) for name in SYSTEM_NAMESPACES),
)


def serve(api: Api, pods: int = 110) -> None:
    """Have an API answer as a cluster with one Node, whose kubelet has so many pods at most."""
    node = {
        "metadata": {"name": NODE},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"kubeletVersion": "v1.36.3"},
        },
    }
    api.answers |= {f"GET {path}": (200, {"items": []}) for path in LISTS}
    api.answers |= {
        "GET /version": (200, {"gitVersion": "v1.36.3"}),
        "GET /api/v1/nodes": (200, {"items": [node]}),
    }
    set_pods(api, pods)


def set_pods(api: Api, pods: int) -> None:
    kubelet = {"kubeletconfig": {"maxPods": pods, "registryPullQPS": 5}}
    api.answers[f"GET /api/v1/nodes/{NODE}/proxy/configz"] = (200, kubelet)


@pytest.fixture
def apis() -> Iterator[list[Api]]:
    """Three clusters: a, b, and c, whose kubelet has another setting."""
    with serving() as a, serving() as b, serving() as c:
        for api in (a, b):
            serve(api)
        serve(c, pods=70)
        yield [a, b, c]


@pytest.fixture
def kubeconfig(apis: list[Api], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubeconfig with a context for each."""
    monkeypatch.setenv("KUBEADM_FLEET_STATE", str(tmp_path / "state"))
    whole: dict[str, Any] = {"clusters": [], "users": [], "contexts": []}
    for name, api in zip("abc", apis, strict=True):
        its = yaml.safe_load(api.kubeconfig)
        whole["clusters"].append({"name": name, "cluster": its["clusters"][0]["cluster"]})
        whole["users"].append({"name": name, "user": its["users"][0]["user"]})
        whole["contexts"].append({"name": name, "context": {"cluster": name, "user": name}})
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(whole))
    return path


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)])


def fleet(kubeconfig: Path, *arguments: object, status: int) -> str:
    result = invoke("consistency", "--kubeconfig", kubeconfig, "--timeout", "20", *arguments)
    assert result.exit_code == status, result.output
    return result.stdout


def test_what_differs_is_a_row_and_the_odd_one_is_marked(kubeconfig: Path) -> None:
    head, row, *rest = fleet(kubeconfig, status=1).splitlines()
    assert head.split() == ["AREA", "ITEM", "AGREE", "a,", "b", "c"]
    assert row.split() == ["kubelet", "maxPods", "2/3", "110", "70", "*"]
    assert rest[-1].endswith("of 3 clusters compared: 1 differ.")


def test_no_headers_leaves_the_rows(kubeconfig: Path) -> None:
    shown = fleet(kubeconfig, "--no-headers", status=1)
    assert shown.startswith("kubelet")
    assert "AGREE" not in shown


def test_wide_has_a_column_for_each_cluster(kubeconfig: Path) -> None:
    head, row, *_ = fleet(kubeconfig, "-o", "wide", status=1).splitlines()
    assert head.split() == ["AREA", "ITEM", "AGREE", "a", "b", "c"]
    assert row.split() == ["kubelet", "maxPods", "2/3", "110", "110", "70", "*"]


@pytest.mark.parametrize(("form", "parse"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_documents_have_the_fields_of_the_schema(kubeconfig: Path, form: str, parse: Any) -> None:
    found = parse(fleet(kubeconfig, "-o", form, status=1))
    assert found.keys() == SCHEMA["properties"].keys()
    (row,) = found["rows"]
    assert row.keys() == SCHEMA["$defs"]["Row"]["properties"].keys()
    assert [(each["cluster"], each["state"]) for each in row["cells"]] == [
        ("a", "same"), ("b", "same"), ("c", "odd"),
    ]  # fmt: skip


def test_all_shows_what_does_not_differ(kubeconfig: Path) -> None:
    found = json.loads(fleet(kubeconfig, "--all", "-o", "json", status=1))
    assert found["compared"] == len(found["rows"])
    items = {row["item"]: {each["state"] for each in row["cells"]} for row in found["rows"]}
    assert items["registryPullQPS"] == {"same"}


def test_alike_clusters_have_no_difference(kubeconfig: Path) -> None:
    shown = fleet(kubeconfig, "--cluster", "a", "--cluster", "b", status=0)
    assert shown.endswith("of 2 clusters compared: no differences.\n")
    assert fleet(kubeconfig, "--cluster", "c", status=0).endswith("no differences.\n")


def test_two_without_a_majority_are_both_shown(kubeconfig: Path) -> None:
    _, row, *_ = fleet(kubeconfig, "--cluster", "a", "--cluster", "c", status=1).splitlines()
    assert row.split() == ["kubelet", "maxPods", "-", "110", "~", "70", "~"]


def test_a_reverted_change_is_no_difference(apis: list[Api], kubeconfig: Path) -> None:
    fleet(kubeconfig, status=1)
    set_pods(apis[2], 110)
    fleet(kubeconfig, status=0)


def test_what_was_not_read_is_no_agreement(apis: list[Api], kubeconfig: Path) -> None:
    document = yaml.safe_load(kubeconfig.read_text())
    document["clusters"][2]["cluster"]["server"] = "https://127.0.0.1:1"
    kubeconfig.write_text(yaml.safe_dump(document))
    shown = fleet(kubeconfig, status=2)
    assert "everything  -      API unreachable: Connection refused" in shown
    del apis[1].answers[f"GET /api/v1/nodes/{NODE}/proxy/configz"]
    (unread,) = (
        each
        for each in json.loads(fleet(kubeconfig, "-o", "json", status=2))["notRead"]
        if each["cluster"] == "b"
    )
    assert (unread["area"], unread["nodes"]) == ("kubelet", [NODE])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["-l", "a=b"], "--selector and --kubeconfig cannot be combined"),
        (["-l", "a=b", "--cluster", "a"], "--cluster and --selector cannot be combined"),
        (["-o", "csv"], "'csv' is not one of"),
        (["--timeout", "0"], "0"),
    ],
)
def test_wrong_usage_is_refused(kubeconfig: Path, given: list[str], message: str) -> None:
    refused = invoke("consistency", "--kubeconfig", kubeconfig, *given)
    assert refused.exit_code == 2
    assert message in refused.output


def test_an_unknown_context_is_answered_with_those_there_are(kubeconfig: Path) -> None:
    refused = invoke("consistency", "--kubeconfig", kubeconfig, "--cluster", "x")
    assert str(refused.exception).endswith("has no context x; its contexts: a, b, c")


@pytest.fixture
def stack(apis: list[Api], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A stack with the clusters as files of their own; its config cannot be read."""
    monkeypatch.setenv("KUBEADM_FLEET_STATE", str(tmp_path / "state"))
    files = []
    for name, api in zip("abc", apis, strict=True):
        file = tmp_path / name
        file.write_text(api.kubeconfig)
        files.append(file)
    labels = {"a": {"env": "dev"}, "b": {"env": "dev"}, "c": {"env": "prod"}}
    monkeypatch.setattr(targets, "stack_files", lambda *_: files)
    monkeypatch.setattr(targets, "_labels", lambda *_, **__: labels)
    monkeypatch.setattr(declared_clusters, "of_stack", lambda *_: {})
    return "dev"


def test_a_selector_chooses_clusters_of_the_stack(stack: str) -> None:
    alike = invoke("consistency", stack, "-l", "env=dev", "-o", "json")
    assert alike.exit_code == 0, alike.output
    assert [each["name"] for each in json.loads(alike.stdout)["clusters"]] == ["a", "b"]
    assert invoke("consistency", stack, "-l", "env in (dev,prod)").exit_code == 1
    refused = invoke("consistency", stack, "-l", "env=none")
    assert "no cluster of the stack dev matches the selector env=none" in str(refused.exception)


def test_a_config_that_cannot_be_read_is_said(stack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("no file")

    monkeypatch.setattr(declared_clusters, "of_stack", fail)
    result = invoke("consistency", stack, "-l", "env=dev")
    assert result.exit_code == 2
    assert result.stdout.endswith("Nothing was compared with the config: no file\n")


def diff(kubeconfig: Path, *arguments: object, status: int) -> str:
    result = invoke("diff", "--kubeconfig", kubeconfig, "--timeout", "20", *arguments)
    assert result.exit_code == status, result.output
    return result.stdout


def test_two_clusters_are_compared_field_by_field(kubeconfig: Path) -> None:
    head, row = diff(kubeconfig, "a", "c", status=1).splitlines()
    assert head.split() == ["AREA", "ITEM", "FIELD", "a", "c"]
    assert row.split() == ["kubelet", "maxPods", "-", "110", "70"]
    (bare,) = diff(kubeconfig, "a", "c", "--no-headers", status=1).splitlines()
    assert bare.split() == row.split()
    (field,) = json.loads(diff(kubeconfig, "c", "a", "-o", "json", status=1))["fields"]
    assert (field["item"], field["a"], field["b"]) == ("maxPods", "70", "110")
    assert diff(kubeconfig, "a", "b", status=0) == "a and b do not differ.\n"
