"""A cluster that has just been made: what has not started yet is said, and is no problem."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from model.consistency.objects import SYSTEM_NAMESPACES
from model.fleet_report.grade import Findings, grades
from model.status import starting
from model.status.fleet import FleetStatus
from ops.kube import api_services, capacity
from ops.kube.cluster_facts import CONFIG_MAPS, RULES
from ops.kube.cluster_status import APPS
from scripts.fleet.__main__ import cli
from tests.components.providers.test_health_check import NODES, PODS, node, pod
from tests.ops.kube.api_server import Api
from tests.ops.kube.test_api_services import registered
from tests.ops.kube.test_reachability import log, probe
from tests.scripts.fleet.status_api import serve, workload

YOUNG, OLD = starting.LIMIT - timedelta(seconds=20), starting.LIMIT + timedelta(seconds=20)
DAEMONS, DEPLOYMENTS = APPS[:2]
READY_DNS = {**pod("dns", "n0"), "metadata": {"name": "dns"}}
LISTS = (
    *("/api/v1/namespaces", "/apis/networking.k8s.io/v1/networkpolicies", "/api/v1/pods"),
    *RULES.values(),
    *(f"/apis/apps/v1/namespaces/{name}/{kind}" for name in SYSTEM_NAMESPACES
      for kind in ("daemonsets", "deployments")),
    *map(CONFIG_MAPS.format, SYSTEM_NAMESPACES),
)  # fmt: skip


class NewCluster:
    """A cluster of one Node whose metrics-server and machine have not begun to report."""

    def __init__(self, api: Api, kubeconfig: Path) -> None:
        self.api, self._kubeconfig = api, kubeconfig
        api.answers |= {f"GET {path}": (200, {"items": []}) for path in LISTS}
        serve(api)
        configz = (200, {"kubeletconfig": {"maxPods": 110}})
        api.answers["GET /api/v1/nodes/n0/proxy/configz"] = configz
        api.answers[log(0)] = (200, {"reporting": False, "report": None})

    def made(self, ago: timedelta | None, ready: int = 0) -> None:
        """Have everything be so old, by the API server's clock; None: nothing says when."""
        now = datetime.now(UTC) + self.api.ahead
        created = {} if ago is None else {"creationTimestamp": (now - ago).isoformat()}
        deployment = workload("metrics-server", ready, 1)
        deployment["metadata"] |= created
        self.api.answers[f"GET {DEPLOYMENTS}"] = (200, {"items": [deployment]})
        registration = registered(reason="FailedDiscoveryCheck", message="no answer")
        registration["metadata"] |= created
        self.api.answers[f"GET {api_services.PATH}"] = (200, registration)
        self.api.answers[f"GET {capacity.METRICS}/nodes"] = (503, {"message": "no endpoint"})
        plane: dict[str, Any] = node("n0")
        plane["metadata"] |= created
        plane["status"]["allocatable"] = {"cpu": "2", "memory": "2Gi", "pods": "110"}
        self.api.answers[NODES] = (200, {"items": [plane]})
        its = probe(0)
        its["metadata"]["namespace"] = "kube-system"
        its["spec"]["containers"] = [{"name": "probe"}, {"name": "host"}]
        its["status"] |= {"startTime": created["creationTimestamp"]} if created else {}
        self.api.answers[PODS] = (200, {"items": [its]})

    def fleet(self, command: str, *options: str) -> tuple[int, Any]:
        """Run a command; return its exit status and its document."""
        words = [command, "--kubeconfig", str(self._kubeconfig), "-o", "json", *options]
        result = CliRunner().invoke(cli, [*words, "--timeout", "20"])
        return result.exit_code, json.loads(result.stdout)

    def reasons(self, severity: str) -> dict[str, str]:
        _, found = self.fleet("status")
        return {
            each["name"]: each["reason"]
            for each in found["clusters"][0]["conditions"]
            if each["severity"] == severity and each["reason"] != "EtcdUnknown"
        }


@pytest.fixture
def cluster(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NewCluster:
    monkeypatch.setenv("KUBEADM_FLEET_STATE", str(tmp_path / "state"))
    path = tmp_path / "config"
    path.write_text(api.kubeconfig)
    return NewCluster(api, path)


SILENT = {"metrics-server": "AddOnNotReady", "": "MetricsUnavailable", "n0": "HostNotReporting"}
STARTING = dict.fromkeys(SILENT, "Starting")
CLOCKS = [timedelta(), timedelta(hours=3), timedelta(hours=-3)]


@pytest.mark.parametrize("ahead", CLOCKS)
def test_status_says_what_starts_and_is_healthy(cluster: NewCluster, ahead: timedelta) -> None:
    cluster.api.ahead = ahead
    cluster.made(YOUNG)
    assert cluster.reasons("Info") == STARTING
    assert cluster.reasons("Warning") == {}
    status, said = cluster.fleet("status")
    own = [each["reason"] for each in said["conditions"] if each["severity"] == "Warning"]
    assert (status, own) == ((1, ["OwnClockSkew"]) if ahead else (0, []))


@pytest.mark.parametrize("ahead", CLOCKS)
def test_what_is_older_is_a_problem(cluster: NewCluster, ahead: timedelta) -> None:
    cluster.api.ahead = ahead
    cluster.made(OLD)
    assert cluster.reasons("Warning") == SILENT
    assert cluster.fleet("status")[0] == 1


def test_what_has_no_age_is_a_problem(cluster: NewCluster) -> None:
    cluster.made(None)
    assert cluster.reasons("Warning") == SILENT


def test_an_edit_of_what_is_old_is_a_problem_at_once(cluster: NewCluster) -> None:
    cluster.made(OLD, ready=1)
    assert "metrics-server" not in cluster.reasons("Warning")
    cluster.made(OLD, ready=0)
    assert cluster.reasons("Warning")["metrics-server"] == "AddOnNotReady"


def test_a_young_cluster_without_dns_is_not_healthy(cluster: NewCluster) -> None:
    """A run ends only when DNS and probes work: without them, something is broken."""
    cluster.made(YOUNG)
    its = cluster.api.answers[PODS]
    assert isinstance(its, tuple)
    its[1]["items"][0]["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    assert cluster.fleet("status")[0] == 1


@pytest.mark.parametrize(
    ("ago", "status", "is_starting"), [(YOUNG, 0, True), (OLD, 2, False), (None, 2, False)]
)
def test_a_comparison_of_machines_that_start_is_complete(
    cluster: NewCluster, ago: timedelta | None, status: int, *, is_starting: bool
) -> None:
    cluster.made(ago)
    found = cluster.fleet("consistency")
    assert found[0] == status
    (unread,) = found[1]["notRead"]
    assert (unread["nodes"], unread["starting"]) == (["n0"], is_starting)
    assert ("starting" in unread["reason"]) is is_starting


def test_an_unread_cluster_beside_one_that_starts_is_unread(cluster: NewCluster) -> None:
    cluster.made(YOUNG)
    cluster.api.answers["GET /api/v1/nodes/n0/proxy/configz"] = (500, {"message": "broken"})
    assert cluster.fleet("consistency")[0] == 2


@pytest.mark.parametrize(
    ("ago", "reason"), [(YOUNG, "Starting"), (OLD, "UsageUnknown"), (None, "UsageUnknown")]
)
def test_usage_that_is_not_measured_yet_is_said_so(
    cluster: NewCluster, ago: timedelta | None, reason: str
) -> None:
    cluster.made(ago)
    status, found = cluster.fleet("capacity")
    assert status == 0
    assert [each["reason"] for each in found["clusters"][0]["conditions"]] == [reason]


def test_usage_that_one_may_not_read_is_not_starting(cluster: NewCluster) -> None:
    cluster.made(YOUNG)
    cluster.api.answers[f"GET {capacity.METRICS}/nodes"] = (403, {"message": "forbidden"})
    (condition,) = cluster.fleet("capacity")[1]["clusters"][0]["conditions"]
    assert condition["reason"] == "UsageUnknown" and "403" in condition["message"]


def test_what_starts_costs_no_points(cluster: NewCluster) -> None:
    def codes(ago: timedelta) -> set[str]:
        cluster.made(ago)
        status = FleetStatus.model_validate(cluster.fleet("status")[1])
        (graded,) = grades(status.clusters, Findings(), {})
        return {each.code for each in graded.reasons}

    assert "warning" not in codes(YOUNG)
    assert "warning" in codes(OLD)
