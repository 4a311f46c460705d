"""`fleet status` and `fleet describe`, run against an API; what is kept between runs."""

import json
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from scripts.fleet import status_cache
from scripts.fleet.__main__ import cli
from tests.components.providers.test_health_check import NODES, PODS
from tests.ops.kube.api_server import Api
from tests.ops.kube.etcd_server import Etcd
from tests.ops.kube.test_reachability import cluster, log, says
from tests.scripts.conftest import TOP
from tests.scripts.fleet.status_api import CHANGED, serve, workload

SCHEMA = json.loads((TOP / "docs/status.schema.json").read_text())
SINCE = "2026-11-26T10:00:00Z"


@pytest.fixture
def kubeconfig(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A healthy cluster of two Nodes with an etcd."""
    monkeypatch.setenv("KUBEADM_FLEET_STATE", str(tmp_path / "state"))
    cluster(api, 2)
    for index in range(2):
        says(api, index, {0, 1})
    serve(api)
    answers: dict[str, Any] = api.answers
    pods = answers[PODS][1]["items"]
    Etcd(api, "a")
    of_etcd = answers[PODS]
    # The server does not select: whoever asks for probes gets the pod of etcd as well.
    answers[PODS] = lambda: (200, {"items": [*pods, *of_etcd()[1]["items"]]})
    plane = api.answers[NODES][1]["items"][0]  # type: ignore[index]
    plane["metadata"]["labels"] = {"node-role.kubernetes.io/control-plane": ""}
    path = tmp_path / "config"
    path.write_text(api.kubeconfig)
    return path


def fleet(*arguments: object, status: int = 0) -> str:
    result: Result = CliRunner().invoke(cli, [*map(str, arguments)])
    assert result.exit_code == status, result.output
    return result.output


def document(kubeconfig: Path, status: int = 0, *more: str) -> Any:
    shown = fleet("status", "--kubeconfig", kubeconfig, "-o", "json", *more, status=status)
    found = json.loads(shown)
    assert found.keys() == SCHEMA["properties"].keys()
    described = SCHEMA["$defs"]["ClusterStatus"]["properties"].keys()
    assert all(each.keys() == described for each in found["clusters"])
    return found


def down(kubeconfig: Path) -> None:
    """Let nothing listen where the API was."""
    content = yaml.safe_load(kubeconfig.read_text())
    content["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    kubeconfig.write_text(yaml.safe_dump(content))


def test_what_is_known_of_a_healthy_cluster(kubeconfig: Path) -> None:
    (found,) = document(kubeconfig)["clusters"]
    assert found["conditions"] == []
    assert (found["ready"], found["reachable"], found["network"]) == ("True", True, "True")
    assert (found["nodesReady"], found["controlPlanes"]["total"]) == ({"ready": 2, "total": 2}, 1)
    assert found["etcd"]["leader"]
    assert {each["name"]: each["version"] for each in found["addOns"]} == dict.fromkeys(
        ("CoreDNS", "kube-proxy", "flannel", "Calico", "probe"), "v1.2.3"
    )
    assert found["certificate"]["subject"] == "API server"
    assert found["lastChange"] == CHANGED, "the time of this program, not of a controller"


def test_the_formats_have_the_same_content(kubeconfig: Path) -> None:
    table = fleet("status", "--kubeconfig", kubeconfig)
    head, row, *below = table.splitlines()
    assert "objects are not compared with what is declared" in "".join(below)
    assert head.split()[:3] == ["CLUSTER", "READY", "VERSION"]
    assert row.split()[:5] == ["cluster1-admin", "True", "v1.36.3", "2/2", "1/1"]
    assert (
        fleet("status", "--kubeconfig", kubeconfig, "--no-headers").split()[:2] == row.split()[:2]
    )
    wide = fleet("status", "--kubeconfig", kubeconfig, "-o", "wide")
    assert "n1" in wide
    assert "n1" in fleet("status", "--kubeconfig", kubeconfig, "--nodes")
    listed = yaml.safe_load(fleet("status", "--kubeconfig", kubeconfig, "-o", "yaml"))
    assert listed["clusters"][0]["version"] == "v1.36.3"


def test_nodes_that_are_alike_are_one_row_and_others_are_not(api: Api, kubeconfig: Path) -> None:
    nodes = [dict(each) for each in api.answers[NODES][1]["items"]]  # type: ignore[index]
    for index in range(2, 7):
        silent = {"type": "Ready", "status": "Unknown", "lastTransitionTime": SINCE}
        silent["message"] = "no disk" if index == 6 else "Kubelet stopped\x1b[2J posting."
        nodes.append({"metadata": {"name": f"n{index}"}, "status": {"conditions": [silent]}})
    api.answers[NODES] = (200, {"items": nodes})
    shown = fleet("status", "--kubeconfig", kubeconfig, status=1)
    assert "\x1b" not in shown, "a cluster does not write to the terminal"
    group, other = (line for line in shown.splitlines() if "NotReady" in line)
    assert group.startswith("cluster1-admin/4 Nodes  Unknown  Error     NotReady")
    assert group.endswith("(n2, n3, n4 and 1 more)")
    assert other.startswith("cluster1-admin/n6 ")
    found = document(kubeconfig, 1)["clusters"][0]
    assert len(found["conditions"]) == 5
    assert found["ready"] == "False"


def test_the_worst_is_first_and_a_warning_is_unhealthy(api: Api, kubeconfig: Path) -> None:
    api.answers["GET /apis/apps/v1/namespaces/kube-flannel/daemonsets"] = (
        200,
        {"items": [workload("flannel", ready=1)]},
    )
    (condition,) = document(kubeconfig, 1)["clusters"][0]["conditions"]
    assert (condition["severity"], condition["reason"]) == ("Warning", "AddOnNotReady")
    assert document(kubeconfig, 1)["clusters"][0]["ready"] == "True"


def test_a_cluster_that_is_down_shows_what_it_last_said(kubeconfig: Path) -> None:
    document(kubeconfig)
    down(kubeconfig)
    (found,) = document(kubeconfig, 1)["clusters"]
    assert (found["reachable"], found["ready"], found["version"]) == (False, "Unknown", "v1.36.3")
    assert found["nodesReady"] == {"ready": 2, "total": 2}
    (condition,) = found["conditions"]
    assert condition["reason"] == "APIUnreachable"
    assert (
        "Connection refused: see docs/runbooks/api-unavailable.md; what is shown was read at "
        in (condition["message"])
    )


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"version": 1', '"version": 0', 1),
        lambda text: text.replace('"asOf"', '"as"'),
        lambda text: text.replace('"nodesReady": {', '"nodesReady": {"ready": "many", "x": '),
        lambda _: '{"version": 1, "sections": {"clusters": [1]}}',
        lambda _: '{"version": 1, "sections": {"clusters": {"stamp": null, "value": [7]}}}',
    ],
)
def test_a_damaged_cache_is_as_good_as_none(kubeconfig: Path, tmp_path: Path, damage: Any) -> None:
    document(kubeconfig)
    (file,) = (tmp_path / "state/status").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    file.write_text(damage(file.read_text()))
    down(kubeconfig)
    (found,) = document(kubeconfig, 1)["clusters"]
    assert (found["asOf"], found["version"]) == (None, "")


def test_a_state_folder_that_cannot_be_written_is_no_failure(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBEADM_FLEET_STATE", "/proc/state")
    assert document(kubeconfig)["clusters"][0]["reachable"]


def test_a_section_is_only_true_of_its_stamp(tmp_path: Path) -> None:
    cache = status_cache.StatusCache(tmp_path / "a/b.json")
    cache.put("labels", {"x": "y"}, [("file", 1)])
    cache.save()
    again = status_cache.StatusCache(tmp_path / "a/b.json")
    assert again.get("labels", [("file", 1)]) == {"x": "y"}
    assert again.get("labels", [("file", 2)]) is None
    assert again.get("other") is None


def test_every_context_is_a_row_and_a_broken_one_hides_no_other(kubeconfig: Path) -> None:
    content = yaml.safe_load(kubeconfig.read_text())
    content["contexts"] += [
        {"name": "lost", "context": {"cluster": "none", "user": "none"}},
        {"name": "null", "context": None},
    ]
    kubeconfig.write_text(yaml.safe_dump(content))
    good, lost, nothing = document(kubeconfig, 1)["clusters"]
    assert (good["ready"], lost["ready"], nothing["ready"]) == ("True", "Unknown", "Unknown")
    assert lost["conditions"][0]["message"] == "no access: the kubeconfig has no cluster none"
    assert [each["name"] for each in document(kubeconfig, 1, "--cluster", "lost")["clusters"]] == [
        "lost"
    ]
    result = CliRunner().invoke(cli, ["status", "--kubeconfig", str(kubeconfig), "--cluster", "x"])
    assert "has no context x; its contexts: cluster1-admin, lost, null" in str(result.exception)


def test_a_cluster_of_another_program_needs_no_probes(api: Api, kubeconfig: Path) -> None:
    daemons = "GET /apis/apps/v1/namespaces/kube-system/daemonsets"
    api.answers[daemons] = (200, {"items": [workload("kube-proxy")]})
    (found,) = document(kubeconfig)["clusters"]
    assert found["network"] == "Unknown"


def test_a_kubelet_that_hangs_hides_nothing_of_its_cluster(api: Api, kubeconfig: Path) -> None:
    ended = threading.Event()

    def hang() -> tuple[int, dict[str, Any]]:
        ended.wait(60)
        return 504, {}

    api.answers[log(1)] = hang
    try:
        (found,) = document(kubeconfig, 1, "--timeout", "3")["clusters"]
    finally:
        ended.set()
    assert (found["reachable"], found["nodesReady"]) == (True, {"ready": 2, "total": 2})
    (text,) = {
        each["message"] for each in found["conditions"] if each["reason"] == "PodsUnreachable"
    }
    assert text.startswith("probe pod probe-n1 on n1: its log cannot be read: ")


def test_labels_are_those_of_a_stack(kubeconfig: Path) -> None:
    refused = fleet("status", "--kubeconfig", kubeconfig, "-l", "a=b", status=2)
    assert "--selector and --kubeconfig cannot be combined" in refused


def test_an_answer_that_cannot_be_understood_is_a_condition(api: Api, kubeconfig: Path) -> None:
    api.answers[NODES] = (200, {"items": [{"metadata": None}]})
    (found,) = document(kubeconfig, 1)["clusters"]
    assert found["conditions"][0]["reason"] == "APIError"


def test_a_cluster_and_a_machine_are_described(api: Api, kubeconfig: Path) -> None:
    event = {
        "involvedObject": {"kind": "Node", "name": "n1"},
        "reason": "Rebooted",
        "message": "Node n1 has been\nrebooted",
        "lastTimestamp": SINCE,
        "count": 3,
    }
    api.answers["GET /api/v1/events"] = (200, {"items": [event, {"involvedObject": {}}]})
    shown = fleet("describe", "--kubeconfig", kubeconfig, "cluster1-admin")
    assert shown.startswith("cluster cluster1-admin\n├─ ready: True\n├─ version: v1.36.3\n")
    assert "├─ nodes 2/2\n│  ├─ n0: Ready, control-plane, v1.36.3\n│  └─ n1: Ready" in shown
    assert "   └─ " in shown.splitlines()[-1]
    assert "Rebooted: Node/n1: Node n1 has been rebooted (3 times)" in shown
    described = ("describe", "--kubeconfig", kubeconfig, "--output", "json")
    whole = json.loads(fleet(*described, "cluster1-admin"))
    assert (whole["status"]["name"], whole["node"]) == ("cluster1-admin", None)
    assert [(each["reason"], each["count"]) for each in whole["events"]] == [("Rebooted", 3)]
    one = json.loads(fleet(*described, "n1"))
    assert (one["cluster"], one["status"]) == ("cluster1-admin", None)
    assert (one["node"]["name"], one["conditions"]) == ("n1", [])
    machine = fleet("describe", "--kubeconfig", kubeconfig, "n1")
    assert machine.startswith("machine n1\n├─ cluster: cluster1-admin\n")
    assert "└─ events\n   └─ " in machine
    result = CliRunner().invoke(cli, ["describe", "--kubeconfig", str(kubeconfig), "n7"])
    assert str(result.exception) == (
        "no cluster and no Node is named n7; the clusters: cluster1-admin"
    )


def test_what_is_slow_to_import_is_not_imported(kubeconfig: Path) -> None:
    program = (
        "import sys; from click.testing import CliRunner; from scripts.fleet.__main__ import cli;"
        f"ended = CliRunner().invoke(cli, ['status', '--kubeconfig', '{kubeconfig}']);"
        "print(ended.exit_code, *({'kubernetes', 'paramiko', 'pulumi', 'rich', 'cryptography',"
        "'model.config.schema'} & sys.modules.keys()))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=TOP, capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == ["0"]


def test_a_watch_asks_again_until_it_is_interrupted(
    api: Api, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = iter([None, KeyboardInterrupt()])

    def pause(_seconds: float) -> None:
        if ends := next(pauses):
            raise ends

    monkeypatch.setattr("scripts.fleet.watching.time.sleep", pause)
    shown = fleet("status", "--kubeconfig", kubeconfig, "-w", status=130)
    assert shown.count("CLUSTER") == 2
    assert api.asked.count(NODES) == 2
