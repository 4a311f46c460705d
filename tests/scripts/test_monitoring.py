"""The alert rules and the dashboard, checked by promtool with the numbers of a real watch."""

import json
import re
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from model import paths
from model.watch import alerts
from model.watch.alerts import ALERTS, IF_UP, Alert
from model.watch.remedies import REMEDIES
from ops.watch import slow
from ops.watch.watcher import NODES_PATH
from scripts import alert_rules, dashboard
from tests.ops.watch.conftest import Watching
from tests.ops.watch.test_metrics import Scraper
from tests.ops.watch.watched_api import Apis, node
from tests.scripts.conftest import TOP

PROMTOOL = paths.cache_dir() / "promtool"
# When expressions are evaluated: after more than the longest range in them.
AT_MINUTES = 365
OTHER = "TaintedBySomebody"
SELECTED = re.compile(r"\$(cluster|critical_threshold|warning_threshold|list_threshold)")
# What a person may choose in the dashboards.
CHOSEN = {
    "cluster": ".*",
    "critical_threshold": "14",
    "warning_threshold": "365",
    "list_threshold": "3650",
}
LEFT = "((x509_cert_not_after{%s} - time()) / 86400)"
VALID = "(x509_cert_not_after{%s} - x509_cert_not_before) / 86400"
ANY, FILES, SECRETS = "", 'filepath!=""', 'secret_name!=""'
# Of Grafana's dashboard 13922; %s is the count of errors, whose name has changed since.
ERRORS = (
    "count(%s)",
    "sum(%s)",
    "sum(%s > bool 0)",
    "sum(rate(%s[15m]))",
    "topk(10, rate(%s[6h]))",
    "topk(10, %s)",
)
DASHBOARD_13922 = (
    "count(x509_cert_not_after)",
    f"sum({LEFT % ANY} < bool 0)",
    f"sum(0 < {LEFT % ANY} < bool $critical_threshold)",
    f"sum(0 < {LEFT % ANY} < bool $warning_threshold)",
    'count(x509_cert_not_after{filepath!="",embedded_key!=""})',
    'count(x509_cert_not_after{filepath!="",embedded_key=""})',
    f"sort({LEFT % FILES} < $list_threshold)",
    "topk(10, sort_desc(count by (issuer_CN) (x509_cert_not_after)))",
    f"topk(10, sort_desc(count by (instance) (x509_cert_not_after{{{FILES}}})))",
    f"bottomk(10, {VALID % FILES})",
    f"topk(10, {VALID % FILES})",
    *(each % name for each in ERRORS for name in ("x509_read_errors", "x509_source_errors_total")),
)
# A watch reads no Secret: these are empty.
OF_SECRETS = (
    f"count(x509_cert_not_after{{{SECRETS}}})",
    f"sort({LEFT % SECRETS} < $list_threshold)",
    'topk(10, sort_desc(count by (secret_namespace) (x509_cert_not_after{secret_namespace!=""})))',
    f"bottomk(10, {VALID % SECRETS})",
    f"topk(10, {VALID % SECRETS})",
)


def promtool(*words: str, text: str = "") -> None:
    done = subprocess.run(
        [str(PROMTOOL), *words], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def check(folder: Path, *tests: dict[str, Any], rules: bool = True) -> None:
    """Run promtool's unit tests, with our rules or without."""
    document = {
        "rule_files": [str(alert_rules.REFERENCE)] if rules else [],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", **each} for each in tests],
    }
    file = folder / "test.yaml"
    file.write_text(yaml.safe_dump(document, width=1000))
    promtool("test", "rules", str(file))


def inputs(series: dict[str, str]) -> list[dict[str, str]]:
    return [{"series": name, "values": values} for name, values in series.items()]


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What the exporter of a fleet answers: one cluster is healthy, one has a dead Node."""
    apis = Apis()
    for name in ("a", "b"):
        apis.add(name, nodes=3).metrics = "apiserver_storage_size_bytes 5e+07\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slow, "FIRST_SECONDS", 0.5)
        watching = Watching(apis, tmp_path_factory.mktemp("watch"))
        watching.watch("a", "b")
        scraper = Scraper(watching)
        watching.until_known("a", "b")
        apis.clusters["b"].put(NODES_PATH, node("n2", ready="False"))
        watching.until_told("began NotReady n2")
        watching.until(lambda: len(scraper.values("kubeadm_fleet_etcd_database_bytes")) == 2)
        yield scraper.text()
        scraper.exporter.stop()
        watching.fleet.stop()
    apis.stop()


def constant(text: str) -> dict[str, str]:
    """Return scraped series for promtool, moved in time so that they are of the evaluation."""
    moved = AT_MINUTES * 60 - time.time()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            is_time = sample.name.endswith("_timestamp_seconds") or "_cert_not_" in sample.name
            number = sample.value + moved if is_time else sample.value
            labels = ",".join(f"{name}={json.dumps(has)}" for name, has in sample.labels.items())
            found[f"{sample.name}{{{labels}}}"] = f"{number!r}x{AT_MINUTES + 60}"
    return found


def test_the_rules_are_valid_and_the_metrics_well_named(scraped: str) -> None:
    promtool("check", "rules", str(alert_rules.REFERENCE))
    own = re.sub(r"(?m)^(# \w+ )?x509_.*\n", "", scraped)
    promtool("check", "metrics", text=own)


def test_a_wrong_rule_is_refused_by_the_check(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(alert_rules.rendered().replace("absent(", "absentee("))
    with pytest.raises(AssertionError, match="absentee"):
        promtool("check", "rules", str(wrong))


def test_each_reason_of_the_watch_has_a_rule_with_an_existing_runbook() -> None:
    named = {reason for each in ALERTS for reason in re.findall(r'reason="(\w+)"', each.expression)}
    assert named == set(REMEDIES)
    assert len({each.name for each in ALERTS}) == len(ALERTS)
    for each in ALERTS:
        assert (TOP / each.runbook).is_file(), each.name


def test_a_healthy_fleet_has_no_alert_and_a_dead_node_has_its_own(
    scraped: str, tmp_path: Path
) -> None:
    names = {each.name for each in ALERTS}
    expected = {
        "FleetNotReady": [
            {
                "exp_labels": {
                    "severity": "critical",
                    "cluster": "b",
                    "kind": "Node",
                    "name": "n2",
                    "reason": "NotReady",
                },
                "exp_annotations": {
                    "summary": "b/n2: the Node is not Ready",
                    "runbook_url": "docs/runbooks/machine-dead.md",
                },
            }
        ]
    }
    tests = [
        {"eval_time": f"{AT_MINUTES}m", "alertname": name, "exp_alerts": expected.get(name, [])}
        for name in sorted(names)
    ]
    check(tmp_path, {"input_series": inputs(constant(scraped)), "alert_rule_test": tests})


def firing(alert: Alert, cluster: str) -> dict[str, str]:
    """Return series for which an alert about a cluster fires, if its API answers."""
    reason = re.search(r'reason="(\w+)"', alert.expression)
    if reason or alert.name == "FleetOtherProblem":
        only = re.search(r'severity="(\w+)"', alert.expression)
        labels = (
            f'cluster="{cluster}",kind="Node",name="n",reason="{reason[1] if reason else OTHER}"'
        )
        severity = only[1] if only else "warning"
        return {f'{alerts.PROBLEMS}{{{labels},severity="{severity}"}}': "2x100"}
    return {
        "FleetQuorumAtRisk": members(cluster, 2, 1),
        "FleetEtcdFills": {
            f'kubeadm_fleet_etcd_database_bytes{{cluster="{cluster}"}}': "11e8+1e6x100",
            f'kubeadm_fleet_etcd_quota_bytes{{cluster="{cluster}"}}': "2e9x100",
        },
    }[alert.name]


def members(cluster: str, ready: int, lost: int) -> dict[str, str]:
    """Return the series of a cluster's etcd."""
    name = f'kubeadm_fleet_component_pods{{cluster="{cluster}",component="etcd",state='
    return {f'{name}"ready"}}': f"{ready}x100", f'{name}"not_ready"}}': f"{lost}x100"}


def answers(cluster: str, number: int) -> dict[str, str]:
    return {f'{alerts.UP}{{cluster="{cluster}"}}': f"{number}x100"}


def fires(alert: Alert, cluster: str, minutes: int, expected: bool) -> dict[str, Any]:
    """Return a test of whether an alert about a cluster fires after so many minutes."""
    where = f', cluster="{cluster}"' if cluster else ""
    labels = f'alertname="{alert.name}", alertstate="firing", severity="{alert.urgency}"{where}'
    samples = [{"labels": "{}", "value": 1}] if expected else []
    expression = f"count(ALERTS{{{labels}}})"
    return {"expr": expression, "eval_time": f"{minutes}m", "exp_samples": samples}


UNITS = {"m": 1, "h": 60}


def test_each_rule_fires_after_its_time_and_for_clusters_that_answer(tmp_path: Path) -> None:
    series: dict[str, str] = {}
    tests = []
    silent, *others = ALERTS
    for alert in others:
        hold = int(alert.hold[:-1]) * UNITS[alert.hold[-1]]
        up, down = alert.name, f"{alert.name}-down"
        series |= firing(alert, up) | firing(alert, down) | answers(up, 1) | answers(down, 0)
        tests.append(fires(alert, up, hold + 1, True))
        tests.append(fires(alert, down, hold + 1, IF_UP not in alert.expression))
        if hold > 1:
            tests.append(fires(alert, up, hold - 1, False))
    check(tmp_path, {"input_series": inputs(series), "promql_expr_test": tests})
    tests = [fires(silent, "", 4, False), fires(silent, "", 6, True)]
    check(tmp_path, {"input_series": [], "promql_expr_test": tests})


def test_a_quorum_is_at_risk_when_the_next_loss_ends_it(tmp_path: Path) -> None:
    (alert,) = (each for each in ALERTS if each.name == "FleetQuorumAtRisk")
    series: dict[str, str] = {}
    tests = []
    for ready, lost, expected in (
        *((3, 0, False), (2, 1, True), (1, 0, False), (1, 1, True)),
        *((5, 0, False), (4, 1, False), (3, 2, True), (4, 0, False)),
    ):
        cluster = f"{ready}-{lost}"
        series |= members(cluster, ready, lost) | answers(cluster, 1)
        tests.append(fires(alert, cluster, 3, expected))
    check(tmp_path, {"input_series": inputs(series), "promql_expr_test": tests})


def expressions() -> Iterator[str]:
    for panel in json.loads(dashboard.REFERENCE.read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]


def has_value(every: Iterable[str], samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "expr": f"count({SELECTED.sub(lambda found: CHOSEN[found[1]], each)}) > bool 0",
            "eval_time": f"{AT_MINUTES}m",
            "exp_samples": samples,
        }
        for each in every
    ]


def test_every_expression_of_the_dashboards_has_a_value(scraped: str, tmp_path: Path) -> None:
    every = [*expressions(), *DASHBOARD_13922]
    assert len(every) > 40
    value = [{"labels": "{}", "value": 1}]
    series = inputs(constant(scraped))
    tests = [*has_value(every, value), *has_value(OF_SECRETS, [])]
    check(tmp_path, {"input_series": series, "promql_expr_test": tests}, rules=False)
    tests = has_value(["no_such_metric"], value)
    with pytest.raises(AssertionError, match="no_such_metric"):
        check(tmp_path, {"input_series": series, "promql_expr_test": tests}, rules=False)


def test_a_fleet_without_a_problem_has_a_value_for_each_panel(scraped: str, tmp_path: Path) -> None:
    healthy = {
        name: values
        for name, values in constant(scraped).items()
        if not name.startswith(alerts.PROBLEMS)
    }
    value = [{"labels": "{}", "value": 1}]
    tests = has_value(expressions(), value)
    check(tmp_path, {"input_series": inputs(healthy), "promql_expr_test": tests}, rules=False)


def test_the_dashboard_is_what_grafanas_types_read_and_each_panel_has_a_source() -> None:
    text = dashboard.REFERENCE.read_text()
    assert dashboard.written(dashboard.read(text)) == text
    panels = [each for each in json.loads(text)["panels"] if each["type"] != "row"]
    assert all(each["targets"] and each["title"] for each in panels)
    assert {each["datasource"]["uid"] for each in panels} == {"${datasource}"}
    spoiled = text.replace('"gridPos"', '"gridPosition"', 1)
    assert dashboard.written(dashboard.read(spoiled)) != spoiled
