"""The table of nodes and the commands below it, read from real API answers over HTTP."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from rich.console import Console

from scripts.fleet.engine_run import show
from scripts.fleet.nodes import NodeRow, node_table, read_nodes
from scripts.fleet.usage import how_to_use

TIME = "%Y-%m-%dT%H:%M:%SZ"
LOST = {"reason": "NodeStatusUnknown", "message": "Kubelet stopped posting status."}

NOTES = {"kubeadm-fleet/pending": "upgraded", "kubeadm-fleet/renewal": "apiserver: no CA"}


def node(name: str, *, ready: str, labels: dict[str, str], cordoned: bool = False) -> Any:
    created = datetime.now(UTC) - timedelta(hours=5, minutes=2, seconds=30)
    lost = datetime.now(UTC) - timedelta(hours=1, minutes=5, seconds=30)
    since = {} if ready == "True" else LOST | {"lastTransitionTime": lost.strftime(TIME)}
    return {
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {} if ready == "True" else NOTES,
            "creationTimestamp": created.strftime(TIME),
        },
        "spec": {"unschedulable": cordoned},
        "status": {
            "conditions": [
                {"type": "MemoryPressure", "status": "False"},
                {"type": "Ready", "status": ready} | since,
            ],
            "addresses": [
                {"type": "Hostname", "address": name},
                {"type": "InternalIP", "address": "10.89.1.11"},
            ],
            "nodeInfo": dict.fromkeys(
                (
                    *("architecture", "bootID", "containerRuntimeVersion", "kernelVersion"),
                    *("kubeProxyVersion", "machineID", "operatingSystem", "osImage", "systemUUID"),
                ),
                "x",
            )
            | {"kubeletVersion": "v1.36.3"},
        },
    }


def nodes() -> Any:
    """The API's answer, with ages as the caller expects: a complete run exceeds a minute."""
    return {
        "kind": "NodeList",
        "apiVersion": "v1",
        "metadata": {},
        "items": [
            node(
                "cluster1-control-plane-0",
                ready="True",
                labels={"node-role.kubernetes.io/control-plane": ""},
            ),
            node(
                "cluster1-worker-0",
                ready="Unknown",
                labels={"kubeadm-fleet/pool": "general"},
                cordoned=True,
            ),
        ],
    }


class Api(BaseHTTPRequestHandler):
    """Answers a list of nodes to one token, and a refusal to every other."""

    def do_GET(self) -> None:
        allowed = self.headers["Authorization"] == "Bearer good"
        body = json.dumps(nodes() if allowed else {}).encode()
        self.send_response(200 if allowed else 403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Iterator[Path]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    clusters = {"cluster1": (address, "good"), "cluster2": (address, "bad")}
    clusters["cluster3"] = ("http://127.0.0.1:1", "good")
    path = tmp_path / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "current-context": "cluster1-admin",
                "clusters": [
                    {"name": name, "cluster": {"server": url}}
                    for name, (url, _) in clusters.items()
                ],
                "users": [
                    {"name": name, "user": {"token": token}}
                    for name, (_, token) in clusters.items()
                ],
                "contexts": [
                    {"name": f"{name}-admin", "context": {"cluster": name, "user": name}}
                    for name in clusters
                ],
            }
        )
    )
    yield path
    server.shutdown()
    server.server_close()


def test_nodes_of_each_cluster_or_the_error(kubeconfig: Path) -> None:
    assert read_nodes([kubeconfig]) == [
        NodeRow(
            *("cluster1", "cluster1-control-plane-0", "control-plane", "-", "Ready"),
            *("v1.36.3", "10.89.1.11", "5h2m"),
        ),
        NodeRow(
            *("cluster1", "cluster1-worker-0", "worker", "general"),
            *("NotReady,SchedulingDisabled", "v1.36.3", "10.89.1.11", "5h2m"),
        ),
        NodeRow("cluster2", status="API error: Forbidden"),
        NodeRow("cluster3", status="API unreachable: Connection refused"),
    ]


def test_the_table_is_not_folded_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    show(node_table([NodeRow("cluster1", status="API unreachable: Connection refused")]))
    _, row = capsys.readouterr().out.splitlines()
    assert "API unreachable: Connection refused" in row


def test_the_table_shows_every_column() -> None:
    console = Console(width=120, record=True)
    console.print(
        node_table([NodeRow("cluster1", "n", "worker", "gpu", "Ready", "v1", "10.0.0.1", "9s")])
    )
    header, row = console.export_text().splitlines()
    assert header.split() == [
        "CLUSTER",
        "NAME",
        "ROLES",
        "POOL",
        "STATUS",
        "VERSION",
        "ADDRESS",
        "AGE",
    ]
    assert row.split() == ["cluster1", "n", "worker", "gpu", "Ready", "v1", "10.0.0.1", "9s"]


def test_the_bundles_kubectl_is_put_in_path(
    kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBEADM_FLEET_CACHE", str(tmp_path / "a cache"))
    kubectl = tmp_path / "a cache/bundles/v1.36.3-amd64/bin/kubectl"
    kubectl.parent.mkdir(parents=True)
    kubectl.touch()
    lines = how_to_use([kubeconfig], ["-", "v1.36.3", "v1.36.3"]).splitlines()
    assert [line.strip() for line in lines] == [
        f"export KUBECONFIG={kubeconfig}",
        f"export PATH='{kubectl.parent}':$PATH",
        "kubectl config get-contexts",
        "kubectl --context cluster1-admin get nodes",
    ]


def test_a_missing_kubectl_is_reported(
    kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBEADM_FLEET_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "`fleet build stack bundle` provides one" in how_to_use([kubeconfig], ["v1.36.3"])
