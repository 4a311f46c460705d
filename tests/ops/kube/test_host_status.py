"""What `fleet status` says of machines, from the logs of their probe pods."""

from datetime import UTC, datetime
from typing import Any

from model.status.condition import Severity
from ops.kube import host_status
from ops.kube.client import Client
from ops.kube.host_status import HostsReading
from tests.components.providers.test_health_check import PODS
from tests.ops.kube.api_server import Api
from tests.ops.kube.test_reachability import log, probe

SINCE = 1795757045
LONG_AGO = "2026-01-01T00:00:00Z"
REPAIRED = "repaired by `fleet refresh` and `fleet up`"


def pods(api: Api, size: int, started: str = LONG_AGO) -> None:
    made = [probe(index) for index in range(size)]
    for each in made:
        each["spec"]["containers"] = [{"name": "probe"}, {"name": "host"}]
        each["status"]["startTime"] = started
    api.answers[PODS] = (200, {"items": made})


def says(api: Api, index: int, *, reporting: bool = True, **report: Any) -> None:
    document = {"time": SINCE + 60, "version": 1, "differs": [], **report}
    api.answers[log(index)] = (200, {"reporting": reporting, "report": document})


def differs(kind: str, name: str, what: str) -> dict[str, Any]:
    return {"kind": kind, "name": name, "what": what, "since": SINCE}


def read(api: Api) -> HostsReading:
    return host_status.read(Client(api.kubeconfig), "c", 20)


def test_untouched_machines_have_no_condition(api: Api) -> None:
    pods(api, 2)
    for index in range(2):
        says(api, index, certificates={"apiserver": str(SINCE + index)})
    says(api, 1, certificates={}, backup={"time": SINCE, "failure": ""})
    found = read(api)
    assert found.conditions == ()
    assert found.certificate and found.certificate.subject == "n0: apiserver"
    assert found.backup == found.certificate.expires == datetime.fromtimestamp(SINCE, UTC)


def test_what_differs_is_named_with_its_repair(api: Api) -> None:
    pods(api, 1)
    says(
        api,
        0,
        differs=[
            differs("file", "/etc/x", "was changed"),
            differs("swap", "swap", "is on"),
            differs("disk", "/", "is 93 % full"),
        ],
    )
    file, swap, disk = read(api).conditions
    assert (file.name, file.reason, file.message) == (
        "n0",
        "HostDrift",
        f"/etc/x was changed: {REPAIRED}",
    )
    assert file.since == datetime.fromtimestamp(SINCE, UTC)
    assert "swapoff" in swap.message and REPAIRED not in swap.message
    assert disk.reason == "DiskFull"


def test_a_machine_that_does_not_report_is_named_unless_it_has_just_joined(api: Api) -> None:
    pods(api, 2)
    says(api, 0, reporting=False, differs=[differs("file", "/etc/x", "was changed")])
    api.answers[log(1)] = (200, {"reporting": False, "report": None})
    silent, never = read(api).conditions
    assert {silent.reason, never.reason} == {"HostNotReporting"}
    assert silent.since == datetime.fromtimestamp(SINCE + 60, UTC)
    pods(api, 2, datetime.now(UTC).isoformat())
    silent, never = read(api).conditions
    assert (silent.name, silent.reason, silent.is_problem) == ("n0", "HostNotReporting", True)
    assert (never.name, never.reason, never.is_problem) == ("n1", "Starting", False)


def test_what_cannot_be_read_is_unknown_and_no_problem(api: Api) -> None:
    pods(api, 4)
    api.answers[log(0)] = (500, {"message": "no such container"})
    api.answers[log(1)] = (200, {"time": "x", "reached": []})
    says(api, 2, version=2)
    says(api, 3, differs=[{"kind": "file"}])
    found = read(api).conditions
    assert [each.name for each in found] == ["n0", "n1", "n2", "n3"]
    assert not any(each.is_problem for each in found)


def test_a_machine_whose_pods_reach_nothing_says_why(api: Api) -> None:
    pods(api, 2)
    for index, ready in enumerate(("False", "True")):
        status = api.answers[PODS][1]["items"][index]["status"]  # type: ignore[index]
        status["conditions"] = [
            {"type": "Ready", "status": "False"},
            # Of a Node that is silent, only that its pod is not Ready is known.
            {"type": "ContainersReady", "status": ready},
        ]
        status["containerStatuses"] = [
            {"name": "probe", "ready": False},
            {"name": "host", "ready": True},
        ]
        says(api, index, differs=[differs("sysctl", "net.ipv4.ip_forward", "is 0 instead of 1")])
    (found,) = read(api).conditions
    assert (found.name, found.reason) == ("n0", "HostDrift")


def test_a_cluster_without_probes_says_nothing(api: Api) -> None:
    api.answers[PODS] = (200, {"items": []})
    assert read(api) == HostsReading()


def test_an_alarm_of_etcd_and_a_failed_job_have_reasons_of_their_own(api: Api) -> None:
    pods(api, 1)
    found = [differs("etcd", "etcd", "has the alarm NOSPACE"), differs("job", "x", "has failed")]
    says(api, 0, differs=found)
    alarm, job = read(api).conditions
    assert (alarm.reason, alarm.severity) == ("EtcdMemberAlarm", Severity.ERROR)
    assert "NOSPACE: `fleet etcd status c`" in alarm.message
    assert (job.reason, job.severity) == ("JobFailed", Severity.WARNING)
    assert f"`fleet logs {job.name} kubeadm-fleet-renewal`" in job.message
