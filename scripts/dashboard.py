"""docs/monitoring/dashboard.json: a dashboard for Grafana over the metrics of `fleet watch`.

Made with Grafana's own types, of version 11.6: newer ones migrate it by themselves.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DatasourceVariable,
    QueryVariable,
    Row,
    ThresholdsConfig,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.common import BigValueColorMode, BigValueGraphMode
from grafana_foundation_sdk.models.dashboard import Dashboard as Model
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from model.watch.alerts import PROBLEMS, UP

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "monitoring" / "dashboard.json"
UID, TITLE = "kubeadm-fleet", "kubeadm-fleet"
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
SELECTED = 'cluster=~"$cluster"'
PER_CLUSTER = f"0 * {UP}{{{SELECTED}}}"
# Columns of tables that say nothing of a cluster.
TECHNICAL = ("Time", "__name__")
DAYS, DAY = "d", 86400
GREEN, ORANGE, RED = "green", "orange", "red"
Panel: TypeAlias = stat.Panel | table.Panel | timeseries.Panel


def _thresholds(*steps: tuple[float | None, str]) -> ThresholdsConfig:
    made = [Threshold(value=value, color=color) for value, color in steps]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)


# From so many on.
ANY_IS_BAD = _thresholds((None, GREEN), (1, RED))
ANY_IS_ODD = _thresholds((None, GREEN), (1, ORANGE))
NEUTRAL = _thresholds((None, "text"))
DAYS_LEFT = _thresholds((None, RED), (1, ORANGE), (7, GREEN))


def _query(expression: str, legend: str = "") -> Dataquery:
    return Dataquery().expr(expression).legend_format(legend).datasource(SOURCE).ref_id("A")


def _number(title: str, expression: str, levels: ThresholdsConfig, unit: str = "none") -> Panel:
    return (
        stat.Panel()
        .title(title)
        .unit(unit)
        .datasource(SOURCE)
        .thresholds(levels)
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
        .with_target(_query(expression).instant())
        .height(4)
        .span(4)
    )


def _lines(title: str, expression: str, legend: str, unit: str = "none") -> Panel:
    return (
        timeseries.Panel()
        .title(title)
        .unit(unit)
        .min(0)
        .datasource(SOURCE)
        .with_target(_query(expression, legend).range())
        .height(8)
        .span(12)
    )


def _rows(title: str, expression: str, value: str, *, unit: str = "none", span: int = 12) -> Panel:
    """Return a table of what an expression yields now, its value in a column of this name."""
    hidden = dict.fromkeys(TECHNICAL, True)
    return (
        table.Panel()
        .title(title)
        .datasource(SOURCE)
        .with_target(_query(expression).instant().format(PromQueryFormat.TABLE))
        .with_transformation(
            DataTransformerConfig(
                id_val="organize",
                options={"excludeByName": hidden, "renameByName": {"Value": value}},
            )
        )
        .override_by_name(value, [DynamicConfigValue(id_val="unit", value=unit)])
        .height(9)
        .span(span)
    )


def _now() -> Iterator[Panel]:
    yield _number("Clusters", f"count({UP}{{{SELECTED}}})", NEUTRAL)
    yield _number("APIs that do not answer", f"sum({UP}{{{SELECTED}}} == bool 0)", ANY_IS_BAD)
    yield _number(
        "Nodes not Ready",
        f'sum(kubeadm_fleet_nodes{{{SELECTED}, state="not_ready"}}) or vector(0)',
        ANY_IS_BAD,
    )
    for title, severity, levels in (
        ("Errors", "error", ANY_IS_BAD),
        ("Warnings", "warning", ANY_IS_ODD),
    ):
        yield _number(
            title, f'sum({PROBLEMS}{{{SELECTED}, severity="{severity}"}}) or vector(0)', levels
        )
    yield _number(
        "First certificate expires in",
        f"(min(x509_cert_not_after{{{SELECTED}}}) - time()) / {DAY}",
        DAYS_LEFT,
        DAYS,
    )
    yield _rows(
        "What is wrong",
        f"sum by (cluster, kind, name, reason, severity) ({PROBLEMS}{{{SELECTED}}})"
        f" or on (cluster) {PER_CLUSTER}",
        "conditions",
        span=24,
    )


def _clusters() -> Iterator[Panel]:
    yield _lines(
        "Conditions",
        f"sum by (cluster) ({PROBLEMS}{{{SELECTED}}}) or on (cluster) {PER_CLUSTER}",
        "{{cluster}}",
    )
    yield _lines("APIs that answer", f"{UP}{{{SELECTED}}}", "{{cluster}}")
    yield _lines(
        "Nodes by state",
        f"sum by (cluster, state) (kubeadm_fleet_nodes{{{SELECTED}}})",
        "{{cluster}} {{state}}",
    )
    yield _lines(
        "Components of control planes that are not Ready",
        "sum by (cluster, component) "
        f'(kubeadm_fleet_component_pods{{{SELECTED}, state="not_ready"}})',
        "{{cluster}} {{component}}",
    )
    yield _rows(
        "Since the API last answered",
        f"time() - max by (cluster) (kubeadm_fleet_last_answer_timestamp_seconds{{{SELECTED}}})",
        "since",
        unit="s",
    )
    yield _rows(
        "Nodes by version",
        "count by (cluster, role, kubelet_version, container_runtime, kernel_version, os_image) "
        f"(kubeadm_fleet_node_info{{{SELECTED}}})",
        "Nodes",
    )


def _etcd() -> Iterator[Panel]:
    size, quota = "kubeadm_fleet_etcd_database_bytes", "kubeadm_fleet_etcd_quota_bytes"
    yield _lines("Size of etcd's database", f"{size}{{{SELECTED}}}", "{{cluster}}", "bytes")
    yield _lines(
        "Share of its quota",
        f"{size}{{{SELECTED}}} / on (cluster) {quota}{{{SELECTED}}}",
        "{{cluster}}",
        "percentunit",
    )
    yield _lines("etcd accepts writes", f"kubeadm_fleet_etcd_writable{{{SELECTED}}}", "{{cluster}}")
    yield _lines(
        "Age of the last snapshot",
        f"time() - kubeadm_fleet_last_backup_timestamp_seconds{{{SELECTED}}}",
        "{{cluster}}",
        "s",
    )


def _certificates() -> Iterator[Panel]:
    expires = f"max by (cluster, instance, filename) (x509_cert_not_after{{{SELECTED}}})"
    left = f"({expires} - time()) / {DAY}"
    yield _rows(
        "Certificates of machines that expire first", f"bottomk(20, {left})", "left", unit=DAYS
    )
    yield _rows(
        "Certificates of APIs",
        "sort((max by (cluster) (kubeadm_fleet_api_certificate_expiry_timestamp_seconds"
        f"{{{SELECTED}}}) - time()) / {DAY})",
        "left",
        unit=DAYS,
    )
    yield _lines(
        "Expired certificates",
        f"sum by (cluster) (x509_cert_expired{{{SELECTED}}})",
        "{{cluster}}",
    )
    yield _lines(
        "Machines whose certificates cannot be read",
        f"x509_read_errors{{{SELECTED}}}",
        "{{cluster}}",
    )


ROWS = {
    "Now": _now,
    "Clusters": _clusters,
    "etcd": _etcd,
    "Certificates": _certificates,
}


def rendered() -> str:
    """Return the dashboard as file content."""
    made = (
        Dashboard(TITLE)
        .uid(UID)
        .tags(["kubernetes", "kubeadm-fleet"])
        .readonly()
        .refresh("1m")
        .time("now-6h", "now")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(
            QueryVariable("cluster")
            .label("Cluster")
            .datasource(SOURCE)
            .query(f"label_values({UP}, cluster)")
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .multi(True)
            .include_all(True)
            .all_value(".*")
        )
    )
    for title, panels in ROWS.items():
        made = made.with_row(Row(title))
        for panel in panels():
            made = made.with_panel(panel)
    return written(read(JSONEncoder().encode(made.build())))


def read(text: str) -> Model:
    """Read a dashboard by Grafana's types: what they do not know is not kept."""
    register_default_plugins()
    return Model.from_json(json.loads(text))


def written(dashboard: Model) -> str:
    """Return a dashboard as file content."""
    return JSONEncoder(sort_keys=True, indent=2).encode(dashboard) + "\n"
