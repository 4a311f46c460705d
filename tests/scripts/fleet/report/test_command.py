"""`fleet report`, run against an API; what is kept for the next report."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from model.consistency.objects import SYSTEM_NAMESPACES
from ops.kube.capacity import METRICS
from ops.kube.cluster_facts import APPS, CONFIG_MAPS, RULES
from scripts.fleet.__main__ import cli
from scripts.fleet.cluster_sources import LISTS
from tests.components.providers.test_health_check import NODES
from tests.ops.kube.api_server import Api
from tests.ops.kube.test_reachability import cluster, says
from tests.scripts.conftest import TOP
from tests.scripts.fleet.status_api import serve, workload

SCHEMA = json.loads((TOP / "docs/report.schema.json").read_text())
NETWORK_POLICIES = "/apis/networking.k8s.io/v1/networkpolicies"
REQUESTS = {"cpu": "500m", "memory": "1Gi"}
FLANNEL = "GET /apis/apps/v1/namespaces/kube-flannel/daemonsets"


@pytest.fixture
def kubeconfig(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A healthy cluster of two Nodes."""
    monkeypatch.setenv("KUBEADM_FLEET_STATE", str(tmp_path / "state"))
    cluster(api, 2)
    for index in range(2):
        says(api, index, {0, 1})
    serve(api)
    serve_everything(api)
    path = tmp_path / "config"
    path.write_text(api.kubeconfig)
    return path


def serve_everything(api: Api) -> None:
    """Answer also what is compared, and what capacity needs; other lists are empty."""
    nodes: Any = api.answers[NODES]
    for each in nodes[1]["items"]:
        each["status"]["allocatable"] = {"cpu": "4", "memory": "8Gi", "pods": "110"}
        kubelet = {"kubeletconfig": {"maxPods": 110}}
        api.answers[f"{NODES}/{each['metadata']['name']}/proxy/configz"] = (200, kubelet)
    pods = [
        {"metadata": {"namespace": "shop", "name": f"web-{index}"},
         "spec": {"nodeName": f"n{index}", "containers": [{"resources": {"requests": REQUESTS}}]}}
        for index in range(2)
    ]  # fmt: skip
    lists = [*RULES.values(), "/api/v1/namespaces", NETWORK_POLICIES, f"{METRICS}/nodes",
             f"{METRICS}/pods"]  # fmt: skip
    lists += [f"{APPS}/{each}/{plural}" for each in SYSTEM_NAMESPACES
              for plural in ("daemonsets", "deployments")]  # fmt: skip
    lists += [CONFIG_MAPS.format(each) for each in SYSTEM_NAMESPACES]
    for path in lists:
        api.answers.setdefault(f"GET {path}", (200, {"items": []}))
    api.answers["GET /api/v1/pods"] = (200, {"items": pods})


def run(kubeconfig: Path, *arguments: object) -> Result:
    given = ["report", "--kubeconfig", kubeconfig, "--timeout", "10", *arguments]
    return CliRunner().invoke(cli, [*map(str, given)])


def fleet(kubeconfig: Path, *arguments: object) -> str:
    result = run(kubeconfig, *arguments)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


def document(kubeconfig: Path, *arguments: object) -> Any:
    found = json.loads(fleet(kubeconfig, "-o", "json", *arguments))
    assert found.keys() == SCHEMA["properties"].keys()
    for name, entries in (
        ("ClusterGrade", found["grades"]),
        ("Change", found["changes"]),
        ("Source", found["sources"]),
        ("DifferentItem", (found["differences"] or {}).get("items", ())),
        ("ClusterRoom", (found["capacity"] or {}).get("clusters", ())),
    ):
        fields = SCHEMA["$defs"][name]["properties"].keys()
        assert all(each.keys() == fields for each in entries)
    return found


def test_a_healthy_cluster_has_the_best_grade(kubeconfig: Path) -> None:
    found = document(kubeconfig)
    (grade,) = found["grades"]
    assert (grade["cluster"], grade["grade"], grade["reasons"]) == ("cluster1-admin", "A", [])
    assert found["certificates"]["fromMachines"] is False
    states = {each["name"]: each["state"] for each in found["sources"]}
    assert [states.pop(each) for each in ("status", "consistency", "capacity")] == ["read"] * 3
    assert found["differences"]["items"] == []
    (room,) = found["capacity"]["clusters"]
    assert room["figures"]["requests"]["cpuMillicores"] == 1000
    assert [(each["kind"], each["fits"]) for each in room["losses"]] == [("Node", True)]
    assert set(states.values()) == {"omitted"}, "over a kubeconfig, no machine is known"
    assert (found["since"], found["isStack"]) == (None, False)


def test_each_list_is_asked_for_once(api: Api, kubeconfig: Path) -> None:
    api.asked.clear()
    document(kubeconfig)
    shared = [f"GET {path}" for path, selector in LISTS if not selector]
    assert {each: api.asked.count(each) for each in shared} == dict.fromkeys(shared, 1)


def test_what_differs_and_has_no_room_costs_points(api: Api, kubeconfig: Path) -> None:
    document(kubeconfig)
    api.answers[f"{NODES}/n1/proxy/configz"] = (200, {"kubeletconfig": {"maxPods": 70}})
    pods: Any = api.answers["GET /api/v1/pods"]
    for each in pods[1]["items"]:
        each["spec"]["containers"][0]["resources"]["requests"] = {"cpu": "3"}
    found = document(kubeconfig)
    (grade,) = found["grades"]
    assert {each["code"]: each["points"] for each in grade["reasons"]} == {"no-room-node": 10}
    (item,) = found["differences"]["items"]
    assert (item["item"], {each["state"] for each in item["values"]}) == ("maxPods", {"split"})


def test_what_is_not_served_is_no_finding(api: Api, kubeconfig: Path) -> None:
    api.answers.pop("GET /api/v1/pods")
    api.answers.pop(f"{NODES}/n0/proxy/configz")
    found = document(kubeconfig)
    sources = {each["name"]: each for each in found["sources"]}
    assert [sources[each]["state"] for each in ("consistency", "capacity")] == ["partial", "unread"]
    (silent,) = sources["consistency"]["unreadable"]
    assert (silent["node"], silent["reason"].partition(":")[0]) == ("n0", "kubelet")
    (grade,) = found["grades"]
    assert (grade["points"], grade["unread"][:2]) == (100, ["consistency", "capacity"])


def test_the_page_is_for_one_person_and_in_their_language(kubeconfig: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text("old")
    file.chmod(0o644)
    assert fleet(kubeconfig, "-O", file, "--lang", "ja") == ""
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert text.lstrip().startswith("<!doctype html>")
    assert '<html lang="ja">' in text
    assert "cluster1-admin" in text
    assert fleet(kubeconfig, "-o", "markdown").startswith("# Fleet report\\: config\n")
    assert "<!doctype html>" in fleet(kubeconfig)
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".report")] == []


def test_the_next_report_says_what_has_changed(api: Api, kubeconfig: Path, tmp_path: Path) -> None:
    first = document(kubeconfig)
    assert document(kubeconfig)["changes"] == []
    api.answers[FLANNEL] = (200, {"items": [workload("flannel", ready=1)]})
    worse = document(kubeconfig)
    assert [(each["kind"], each["after"], each["isBetter"]) for each in worse["changes"]] == [
        ("condition", "AddOnNotReady", False)
    ]
    assert document(kubeconfig)["changes"] == [], "the last report had it as well"
    before = tmp_path / "first.json"
    before.write_text(json.dumps(first))
    assert document(kubeconfig, "--since", before)["changes"] == worse["changes"]
    (kept,) = (tmp_path / "state/reports").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def test_a_report_of_some_clusters_is_not_what_the_next_is_compared_with(
    api: Api, kubeconfig: Path
) -> None:
    content = yaml.safe_load(kubeconfig.read_text())
    content["contexts"].append({**content["contexts"][0], "name": "other"})
    kubeconfig.write_text(yaml.safe_dump(content))
    time = document(kubeconfig)["time"]
    one = document(kubeconfig, "--cluster", "other")
    assert (one["since"], one["changes"]) == (time, [])
    content["contexts"].pop()
    kubeconfig.write_text(yaml.safe_dump(content))
    found = document(kubeconfig)
    assert [(each["cluster"], each["kind"], each["after"]) for each in found["changes"]] == [
        ("other", "cluster", "")
    ]


@pytest.mark.parametrize("content", ["", "{", '{"version": "v2"}', "[]", '{"time": 1}', "null"])
def test_a_damaged_last_report_is_as_good_as_none(
    kubeconfig: Path, tmp_path: Path, content: str
) -> None:
    document(kubeconfig)
    (kept,) = (tmp_path / "state/reports").iterdir()
    kept.write_text(content)
    assert document(kubeconfig)["since"] is None
    named = tmp_path / "named.json"
    named.write_text(content)
    refused = run(kubeconfig, "--since", named)
    assert "is not a report: name a file that `fleet report -o json` wrote" in str(
        refused.exception
    )


def test_a_cluster_that_is_unreachable_is_the_worst(kubeconfig: Path) -> None:
    content = yaml.safe_load(kubeconfig.read_text())
    content["clusters"].append({"name": "gone", "cluster": {"server": "https://127.0.0.1:1"}})
    content["contexts"].append(
        {"name": "gone", "context": {"cluster": "gone", "user": content["users"][0]["name"]}}
    )
    kubeconfig.write_text(yaml.safe_dump(content))
    found = document(kubeconfig)
    assert [(each["cluster"], each["grade"]) for each in found["grades"]] == [
        ("gone", "F"),
        ("cluster1-admin", "A"),
    ]
    assert found["sources"][0]["state"] == "partial"


def test_what_cannot_be_written_or_read_is_said(
    api: Api, kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = run(kubeconfig, "-O", tmp_path / "none/report.html")
    assert str(refused.exception).startswith("the report cannot be written: No such file")
    refused = run(kubeconfig, "--since", tmp_path / "none")
    assert "--since: No such file" in str(refused.exception)
    monkeypatch.setenv("KUBEADM_FLEET_STATE", "/proc/state")
    assert document(kubeconfig)["grades"], "what cannot be kept is no failure"
    api.answers[NODES] = (200, {"items": [{"metadata": None}]})
    assert document(kubeconfig)["grades"][0]["grade"] == "F"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["-l", "a=b"], "--selector and --kubeconfig cannot be combined"),
        (["-l", "a=b", "--cluster", "x"], "--cluster and --selector cannot be combined"),
        (["--with", "cis,none"], "'none': allowed are all, none, and certificates, backups, cis"),
        (["--with", ""], "'': allowed are all"),
        (["--lang", "fr"], "'fr' is not one of 'en', 'ja'"),
    ],
)
def test_wrong_usage_is_refused(kubeconfig: Path, given: list[str], message: str) -> None:
    refused = run(kubeconfig, *given)
    assert refused.exit_code == 2
    assert message in refused.output
