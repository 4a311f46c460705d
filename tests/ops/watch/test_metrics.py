"""The metrics of a watch, as Prometheus reads them over HTTP."""

import http.client
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from model.pki.leaves import LEAVES
from ops.errors import OperatorError
from ops.watch import exporter, slow
from ops.watch.exporter import PATH, Exporter
from ops.watch.watcher import NODES_PATH, PODS_PATH
from tests.ops.watch.conftest import Watching
from tests.ops.watch.watched_api import Apis, component, node, probe, says

HOST = "127.0.0.1"
Labels = frozenset[tuple[str, str]]


class Scraper:
    """The exporter of a watch, and what it answers."""

    def __init__(self, watching: Watching) -> None:
        self.watching = watching
        self.exporter = Exporter(HOST, 0, watching.said.append)
        self.exporter.start(watching.fleet.looks)

    def answer(self, path: str = PATH, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(HOST, self.exporter.port, timeout=30)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        found = response.status, response.read()
        connection.close()
        return found

    def text(self) -> str:
        status, body = self.answer()
        assert status == 200
        return body.decode()

    def values(self, name: str, /, **labels: str) -> list[float]:
        """Return the values of the series of a metric that have these labels."""
        return [
            number for has, number in self.series(name).items() if has >= frozenset(labels.items())
        ]

    def series(self, name: str) -> dict[Labels, float]:
        """Return the series of a metric; each is there once."""
        every = [
            (frozenset(sample.labels.items()), sample.value)
            for family in text_string_to_metric_families(self.text())
            for sample in family.samples
            if sample.name == name
        ]
        assert len(dict(every)) == len(every)
        return dict(every)


@pytest.fixture
def scraper(watching: Any) -> Iterator[Any]:
    """A function that watches clusters, and returns what they are scraped by."""
    made: list[Scraper] = []

    def begin(*names: str) -> Scraper:
        made.append(Scraper(watching(*names)))
        return made[0]

    yield begin
    for each in made:
        each.exporter.stop()


def test_a_healthy_cluster_has_a_number_for_everything_that_is_known(
    apis: Apis, scraper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow, "FIRST_SECONDS", 0.5)
    apis.add("a", nodes=3).metrics = "apiserver_storage_size_bytes 5e+07\n"
    made = scraper("a")
    made.watching.until_known("a")
    made.watching.until(lambda: made.values("kubeadm_fleet_etcd_database_bytes") == [5e7])
    now = time.time()
    assert made.values("kubeadm_fleet_up", cluster="a") == [1]
    (heard,) = made.values("kubeadm_fleet_last_answer_timestamp_seconds", cluster="a")
    assert 0 <= now - heard < 20
    nodes = {
        (role, state): made.values("kubeadm_fleet_nodes", cluster="a", role=role, state=state)
        for role in ("control-plane", "worker")
        for state in ("ready", "not_ready")
    }
    assert list(nodes.values()) == [[1], [0], [2], [0]]
    assert len(made.values("kubeadm_fleet_node_info", kubelet_version="v1.36.3")) == 3
    members = made.values("kubeadm_fleet_component_pods", component="etcd", state="ready")
    assert members == [1]
    assert made.values("kubeadm_fleet_etcd_writable") == [1]
    assert made.values("kubeadm_fleet_etcd_quota_bytes") == [2 << 30]
    (expiry,) = made.values("kubeadm_fleet_api_certificate_expiry_timestamp_seconds")
    assert 4 * 3600 < expiry - now <= 5 * 3600
    (backup,) = made.values("kubeadm_fleet_last_backup_timestamp_seconds")
    assert 0 <= now - backup < 120
    assert made.values("kubeadm_fleet_problems") == []
    assert made.values("x509_read_errors", cluster="a") == [0]
    assert made.values("x509_source_errors_total", cluster="a") == [0]


def test_each_series_names_its_cluster_and_has_the_labels_of_its_metric(
    apis: Apis, scraper: Any
) -> None:
    apis.add("a")
    apis.add("b")
    made = scraper("a", "b")
    made.watching.until_known("a", "b")
    for family in text_string_to_metric_families(made.text()):
        assert {sample.labels["cluster"] for sample in family.samples} <= {"a", "b"}
        assert len({frozenset(sample.labels) for sample in family.samples}) <= 1, family.name


def test_certificates_have_the_names_and_labels_of_x509_certificate_exporter(
    apis: Apis, scraper: Any
) -> None:
    cluster = apis.add("a")
    now = int(datetime.now(UTC).timestamp())
    names = [*LEAVES, "kubelet-serving", "another"]
    leaves = dict.fromkeys(names, now + 1000) | {"apiserver": now - 5}
    cluster.log("probe-n0", "host", says(certificates=leaves, issued={"apiserver": now - 100}))
    made = scraper("a")
    made.watching.until_known("a")
    made.watching.until(lambda: made.values("x509_cert_not_after", filename="another") != [])
    path = {"instance": "n0", "filepath": "/etc/kubernetes/pki/apiserver.pem"}
    assert made.values("x509_cert_not_after", **path, issuer_CN="kubernetes") == [now - 5]
    assert made.values("x509_cert_not_before", **path) == [now - 100]
    assert made.values("x509_cert_expired", **path) == [1]
    assert sorted(made.values("x509_cert_expired", instance="n0")) == [0] * (len(names) - 1) + [1]
    assert len(made.values("x509_cert_not_after", embedded_kind="user", secret_name="")) == 1
    # The differences of both have values: the labels are the same.
    assert set(made.series("x509_cert_not_before")) <= set(made.series("x509_cert_not_after"))


@pytest.mark.usefixtures("quick")
def test_what_is_wrong_is_counted_until_it_ends(apis: Apis, scraper: Any) -> None:
    cluster = apis.add("a")
    cluster.put(NODES_PATH, node("n1", ready="False"))
    made = scraper("a")
    made.watching.until_told("began NotReady n1")
    found = {"cluster": "a", "kind": "Node", "name": "n1", "reason": "NotReady"}
    assert made.values("kubeadm_fleet_problems", **found, severity="error") == [1]
    assert made.values("kubeadm_fleet_nodes", role="worker", state="not_ready") == [1]
    cluster.put(NODES_PATH, node("n1"))
    made.watching.until(lambda: "ended NotReady n1" in made.watching.told())
    assert made.values("kubeadm_fleet_problems") == []


@pytest.mark.usefixtures("quick")
def test_a_cluster_that_is_down_keeps_its_last_numbers(apis: Apis, scraper: Any) -> None:
    apis.add("a")
    made = scraper("a")
    made.watching.until_known("a")
    apis.refuse()
    made.watching.until_told("began APIUnreachable")
    assert made.values("kubeadm_fleet_up", cluster="a") == [0]
    assert made.values("kubeadm_fleet_problems", reason="APIUnreachable", severity="error") == [1]
    assert made.values("kubeadm_fleet_nodes", role="worker", state="ready") == [1]
    assert made.values("x509_cert_not_after", instance="n1") != []
    # It is not known whether etcd accepts writes.
    assert made.values("kubeadm_fleet_etcd_writable") == []


def test_a_cluster_that_is_not_watched_any_more_has_no_series(apis: Apis, scraper: Any) -> None:
    apis.add("a")
    apis.add("b")
    made = scraper("a", "b")
    made.watching.until_known("a", "b")
    made.watching.watch("b")
    assert 'cluster="a"' not in made.text()
    assert made.values("kubeadm_fleet_up") == [1]
    made.watching.watch()
    assert "cluster=" not in made.text()


def test_a_cluster_that_never_answered_is_down(apis: Apis, scraper: Any) -> None:
    apis.add("a").is_hanging = True
    made = scraper("a")
    assert made.values("kubeadm_fleet_up") == [0]
    assert made.values("kubeadm_fleet_last_answer_timestamp_seconds") == []


def test_machines_that_stop_reporting_are_counted(apis: Apis, scraper: Any) -> None:
    cluster = apis.add("a")
    made = scraper("a")
    made.watching.until_known("a")
    cluster.log("probe-n1", "host", says(reporting=False))
    made.watching.until(lambda: made.values("x509_read_errors") == [1])
    assert made.values("x509_source_errors_total") == [1]
    cluster.log("probe-n1", "host", says())
    made.watching.until(lambda: made.values("x509_read_errors") == [0])
    assert made.values("x509_source_errors_total") == [1]


def test_a_control_plane_without_etcd_is_a_member_that_is_not_ready(
    apis: Apis, scraper: Any
) -> None:
    cluster = apis.add("a")
    cluster.put(NODES_PATH, node("n1", is_plane=True))
    made = scraper("a")
    made.watching.until_known("a")
    state = {"component": "etcd", "state": "not_ready"}
    made.watching.until(lambda: made.values("kubeadm_fleet_component_pods", **state) == [1])
    cluster.put(PODS_PATH, component("etcd", "n1"))
    made.watching.until(lambda: made.values("kubeadm_fleet_component_pods", **state) == [0])


@pytest.mark.parametrize("name", ['n"1\n', "\udcff half", "x" * 5000, "\u00fc\u65e5", "\\"])
def test_whatever_a_cluster_sends_leaves_a_text_that_can_be_read(
    apis: Apis, scraper: Any, name: str
) -> None:
    cluster = apis.add("a")
    thing = node("n1")
    thing["status"]["nodeInfo"] = {"kubeletVersion": name, "osImage": name}
    cluster.put(NODES_PATH, thing)
    cluster.log("probe-n1", "host", says(certificates={name: 1}))
    made = scraper("a")
    made.watching.until_known("a")
    made.watching.until(lambda: made.values("x509_cert_expired", instance="n1") == [1])
    assert len(made.values("kubeadm_fleet_node_info")) == 2
    assert len(made.text()) < 100_000


def test_two_probe_pods_of_a_node_are_one_series(apis: Apis, scraper: Any) -> None:
    cluster = apis.add("a")
    second = probe("n1", 7)
    second["metadata"]["name"] = "probe-second"
    cluster.put(PODS_PATH, second)
    cluster.log("probe-second", "host", says(certificates={"kubelet-client": 5}))
    made = scraper("a")
    made.watching.until(lambda: len(made.watching.fleet.seen()["a"].view.hosts) == 3)
    # Reading the series fails if one of them is there twice.
    assert len(made.series("x509_cert_not_after")) >= 1 + len(LEAVES)


def test_other_paths_and_an_address_in_use_are_refused(apis: Apis, scraper: Any) -> None:
    made = scraper()
    assert made.answer("/")[0] == 404
    assert made.answer(f"{PATH}?name[]=x")[0] == 200
    with pytest.raises(OperatorError, match=f"port {made.exporter.port}: .*name another address"):
        Exporter(HOST, made.exporter.port, print)
    with pytest.raises(OperatorError, match=r"192\.0\.2\.1"):
        Exporter("192.0.2.1", 0, print)


def test_who_sends_nothing_or_reads_nothing_holds_up_others_for_seconds(
    apis: Apis, scraper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "HEAD_SECONDS", 0.2)
    made = scraper()
    address = (HOST, made.exporter.port)
    with socket.create_connection(address) as silent, socket.create_connection(address) as half:
        half.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
        begin = time.monotonic()
        assert made.answer()[0] == 200
        assert time.monotonic() - begin < 10
        silent.settimeout(10)
        assert silent.recv(100) == b""
    with socket.create_connection(address) as long:
        long.sendall(b"GET /metrics HTTP/1.1\r\n" + b"A: b\r\n" * 10_000)
        assert made.answer()[0] == 200
    assert made.watching.said == []


def test_a_failure_is_said_and_the_next_scrape_is_answered(apis: Apis, scraper: Any) -> None:
    made = scraper()
    looks = iter([ValueError("odd")])

    def broken() -> Any:
        if (error := next(looks, None)) is not None:
            raise error
        return []

    said: list[str] = []
    own = Exporter(HOST, 0, said.append)
    own.start(broken)
    made.exporter, kept = own, made.exporter
    try:
        with pytest.raises((http.client.HTTPException, OSError)):
            made.answer()
        assert made.answer()[0] == 200
        assert said == ["metrics could not be sent: ValueError('odd')"]
    finally:
        own.stop()
        made.exporter = kept
