"""What a report reads on machines, from a real sshd and from one that nobody answers at."""

import socket
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from model import paths
from model.fleet_report.assembly import ON_MACHINES, Read
from model.fleet_report.document import Source, SourceName, SourceState
from model.pki import certificates
from model.pki import ledger as ledgers
from model.pki.ledger import Status
from model.render import node_scripts
from ops.errors import OperatorError
from ops.hosts.inventory import MachineEntry
from scripts.fleet import access, engine_run, ledger, machine_sources
from tests.audit_events import line
from tests.scripts.fleet.hosts import login
from tests.scripts.fleet.test_certs import HEALTHY
from tests.sshd import KeyPair, Sshd

SECONDS = 12.0
NOW = ledgers.now()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def machines(
    host: Sshd, key: KeyPair, silent_port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Cluster `one`, whose control plane answers, and `other`, whose control plane hangs."""
    there = login(host, key)
    entry: MachineEntry = {
        "address": "192.0.2.1",
        "role": "control-plane",
        "pool": "",
        "driver": "existing",
    }
    known: MachineEntry = {**entry, "login": there.to_props()}
    hangs: MachineEntry = {**entry, "login": replace(there, port=silent_port).to_props()}
    output = {"one": {"one-cp": known}, "other": {"other-cp": hangs}}
    (tmp_path / "certificates").write_text(HEALTHY)
    event = line("delete", "pods", "web-0", received=NOW, code=403)
    (tmp_path / "audit.log").write_bytes(event)
    real = node_scripts.compose

    def compose(script: str, settings: Mapping[str, str]) -> str:
        if script == "certificate_facts":
            return f"certificate_facts() {{ cat {tmp_path}/certificates; }}\n"
        folder = "AUDIT_FOLDER=/var/log/kubernetes/audit"
        return real(script, settings).replace(f"\n{folder}\n", f"\nAUDIT_FOLDER={tmp_path}\n")

    monkeypatch.setattr(node_scripts, "compose", compose)
    served = {
        name: {"metrics-server": certificates.new_authority(name, timedelta(days=9)).cert_pem}
        for name in ("one", "not-asked")
    }
    outputs = {
        "inventory": output,
        "registrations": registrations(),
        "certificates": served,
    }
    monkeypatch.setattr(engine_run, "outputs", lambda _stack: outputs)
    monkeypatch.setattr(ledger, "warn_before", lambda _stack: {})
    monkeypatch.setattr(access, "FOLDER", tmp_path / "kubeconfigs")
    monkeypatch.setattr(access, "KUBECONFIG", tmp_path / "kubeconfig")
    monkeypatch.setattr(paths, "identities_dir", lambda: tmp_path / "identities")


def registrations() -> dict[str, Any]:
    """Cluster `one` is registered in Argo CD, with a token that has expired."""
    times = {"issued": "2025-11-01T00:00:00+00:00", "expires": "2026-11-01T00:00:00+00:00"}
    its = {"argocd": {"secret": "hub/argocd/cluster-one", **times}}
    return {"one": its, "not-asked": its}


class Cluster(SimpleNamespace):
    """A cluster whose API cannot be asked."""

    def client(self, _seconds: float) -> Any:
        raise OperatorError("no API here")


def read(
    wanted: Collection[SourceName], seconds: float = SECONDS
) -> tuple[Read, dict[Any, Source]]:
    targets: Any = [Cluster(name="one"), Cluster(name="other")]
    found = machine_sources.read("dev", targets, wanted, NOW, seconds)
    return found, {each.name: each for each in found.sources}


@pytest.mark.slow
@pytest.mark.usefixtures("machines")
def test_what_answers_is_read_and_what_hangs_is_a_row() -> None:
    begin = time.monotonic()
    found, sources = read(ON_MACHINES)
    assert time.monotonic() - begin < SECONDS + 2
    assert {each.state for each in sources.values()} <= {SourceState.PARTIAL, SourceState.UNREAD}
    for source in sources.values():
        silent = [each for each in source.unreadable if each.node == "other-cp"]
        (reason,) = (each.reason for each in silent)
        # SSH itself may have given up before.
        assert reason == "no answer within 12 s" or "cannot be reached" in reason, source.name
    assert found.certificates
    assert {(each.cluster, each.name) for each in found.certificates.dates} == {
        ("one", "ca"),
        ("one", "apiserver"),
        ("one", "front-proxy-client"),
        ("one", "metrics-server"),
    }
    (token,) = found.certificates.tokens
    assert (token.cluster, token.tool, token.status) == ("one", "argocd", Status.EXPIRED)
    assert found.audit
    (denied,) = (each for each in found.audit.highlights if each.question == "denied")
    assert (denied.cluster, denied.requests, denied.example) == (
        "one",
        1,
        "delete pods shop/web-0",
    )
    assert found.cis
    assert [each.cluster for each in found.cis.clusters] == ["one", "other"]
    assert "no API here" in {each.reason for each in sources[SourceName.CIS].unreadable}


@pytest.mark.usefixtures("machines")
def test_only_what_is_wanted_is_read() -> None:
    found, sources = read([SourceName.CERTIFICATES], 8.0)
    assert found.certificates
    assert (found.cis, found.audit, found.backups) == (None, None, None)
    omitted = {each for each, source in sources.items() if source.state is SourceState.OMITTED}
    assert omitted == {SourceName.CIS, SourceName.AUDIT, SourceName.BACKUPS}
    nothing, sources = read([])
    assert nothing.certificates is None
    assert {each.state for each in sources.values()} == {SourceState.OMITTED}


def test_without_an_inventory_the_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_run, "outputs", lambda _stack: {})
    _, sources = read([SourceName.AUDIT])
    assert sources[SourceName.AUDIT].reason == (
        "the stack dev has no output `inventory`: complete a `fleet up dev` first"
    )
    assert sources[SourceName.AUDIT].state is SourceState.UNREAD
