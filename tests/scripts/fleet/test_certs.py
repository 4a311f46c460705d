"""`fleet certs` against a real sshd: rows, formats and exit statuses."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from model import paths
from model.pki import certificates, serving
from model.pki.ledger import Ledger
from model.render import kubeconfig as kubeconfigs
from model.render import node_scripts
from model.render.metrics_server import API
from ops.hosts.certificates import read as read_machines
from ops.hosts.inventory import MachineEntry
from scripts.fleet import access, engine_run
from scripts.fleet.__main__ import cli
from scripts.fleet.ledger_table import residual
from tests.scripts.fleet.hosts import login
from tests.sshd import KeyPair, Sshd

# Not a whole number of the units that are shown: the tests take time.
CA = certificates.new_authority("kubernetes", timedelta(days=3649.5))
Fleet = Callable[..., int]
REGISTERED: dict[str, Any] = {}


def printed(*leaves: tuple[str, timedelta], more: str = "") -> str:
    """What a control plane prints that has the CA and these leaves in pki."""
    pairs = {"ca": CA} | {
        name: certificates.issue_client(CA, name, [], valid) for name, valid in leaves
    }
    lines = [
        f"embedded\t/etc/kubernetes/pki/{name}.crt\t"
        f"{base64.b64encode(pair.cert_pem.encode()).decode()}\n"
        for name, pair in pairs.items()
    ]
    return "".join(lines) + more + "complete\n"


YEAR = timedelta(days=364.5)
HEALTHY = printed(("apiserver", YEAR), ("front-proxy-client", timedelta(days=329.5)))


@pytest.fixture
def fleet(host: Sshd, key: KeyPair, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fleet:
    """Runs `fleet certs` for cluster `one`, whose machine prints `text`, and a silent `other`."""
    there = login(host, key)
    entry: MachineEntry = {
        "address": "192.0.2.1",
        "role": "control-plane",
        "pool": "",
        "driver": "existing",
    }
    known: MachineEntry = {**entry, "login": there.to_props()}
    silent: MachineEntry = {**entry, "login": replace(there, port=1).to_props()}
    output = {"one": {"one-control-plane-0": known}, "other": {"other-control-plane-0": silent}}
    (tmp_path / "text").write_text(HEALTHY)

    def compose(script: str, settings: Mapping[str, str]) -> str:
        assert (script, settings) == ("certificate_facts", {})
        return f"certificate_facts() {{ cat {tmp_path}/text; }}\n"

    def run(*arguments: str, text: str = HEALTHY) -> int:
        (tmp_path / "text").write_text(text)
        with pytest.raises(SystemExit) as ended:
            cli.main(["certs", *arguments])
        status: Any = ended.value.code
        return int(status)

    monkeypatch.setattr(node_scripts, "compose", compose)
    monkeypatch.setattr(engine_run, "outputs", lambda _stack: {"inventory": output, **REGISTERED})
    monkeypatch.setattr(access, "FOLDER", tmp_path / "kubeconfigs")
    monkeypatch.setattr(access, "KUBECONFIG", tmp_path / "kubeconfig")
    monkeypatch.setattr(paths, "identities_dir", lambda: tmp_path / "identities")
    return run


def rows(capfd: pytest.CaptureFixture[str]) -> list[list[str]]:
    """The lines of the output, without the dates."""
    return [
        [word for word in line.split("  ") if word] for line in capfd.readouterr().out.splitlines()
    ]


def test_columns_are_kubeadms_with_cluster_and_node_in_front(
    fleet: Fleet, capfd: pytest.CaptureFixture[str]
) -> None:
    assert fleet("--cluster", "one") == 0
    head, *found = rows(capfd)
    assert [word.strip() for word in head] == [
        *("CLUSTER", "NODE", "CERTIFICATE", "EXPIRES", "RESIDUAL TIME", "CERTIFICATE AUTHORITY")
    ]
    place = ["one", "one-control-plane-0"]
    without_dates = [[word.strip() for word in (*row[:3], *row[4:])] for row in found]
    assert without_dates == [
        [*place, "front-proxy-client", "329d", "ca"],
        [*place, "apiserver", "364d", "ca"],
        [*place, "ca", "9y", "-"],
    ]


@pytest.mark.parametrize(
    "text",
    [
        printed(("apiserver", timedelta(seconds=-1))),
        printed(("apiserver", timedelta(seconds=5))),
        printed(more="use\tetcd\t/etc/kubernetes/pki/etcd/peer.crt\tmissing\n"),
    ],
    ids=["expired", "overdue", "missing"],
)
def test_a_finding_has_the_exit_status_1(fleet: Fleet, text: str) -> None:
    assert fleet("--cluster", "one", text=text) == 1


def register(monkeypatch: pytest.MonkeyPatch, left: timedelta) -> None:
    """Have a cluster in Argo CD with a token of a year that has `left` until its end."""
    expires = datetime.now(UTC) + left
    entry = {
        "secret": "other/argocd/cluster-one",
        "issued": (expires - timedelta(days=365)).isoformat(),
        "expires": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
    }
    monkeypatch.setitem(REGISTERED, "registrations", {"one": {"argocd": entry}})


def test_the_token_of_a_tool_is_a_row_of_its_own_table(
    fleet: Fleet, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, timedelta(days=100.5))
    assert fleet("--cluster", "one") == 0
    row = [word.strip() for word in rows(capfd)[-1]]
    assert [*row[:3], row[-1]] == ["one", "argocd", "other/argocd/cluster-one", "100d"]
    assert fleet("--cluster", "one", "-o", "json") == 0
    (token,) = json.loads(capfd.readouterr().out)["tokens"]
    assert (token["cluster"], token["status"]) == ("one", "valid")
    register(monkeypatch, timedelta(days=36))
    assert fleet("--cluster", "one") == 1, "no run has renewed it"


def test_the_certificate_of_an_add_on_is_a_row(
    fleet: Fleet, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pems = [
        serving.issue_for(CA, API.host, timedelta(days=days)).cert_pem for days in (1094.5, 0.002)
    ]
    served = {"one": {"metrics-server": pems[0]}, "other": {"metrics-server": pems[1]}, "new": {}}
    monkeypatch.setitem(REGISTERED, "certificates", served)
    assert fleet("--cluster", "one") == 0
    (row,) = [each for each in rows(capfd) if "metrics-server" in "".join(each)]
    cells = [word.strip() for word in row]
    assert [*cells[:3], *cells[4:]] == ["one", "-", "metrics-server", "2y", "ca"]
    assert fleet("--cluster", "one", "-o", "json") == 0
    found = json.loads(capfd.readouterr().out)["certificates"]
    (its,) = [each for each in found if each["name"] == "metrics-server"]
    assert its["paths"] == ["Secret kube-system/metrics-server-serving"]
    assert its["names"] == [API.host]


def test_a_missing_certificate_is_a_row(fleet: Fleet, capfd: pytest.CaptureFixture[str]) -> None:
    missing = "use\tetcd\t/etc/kubernetes/pki/etcd/peer.crt\tmissing\n"
    assert fleet("--cluster", "one", text=printed(more=missing)) == 1
    first = rows(capfd)[1]
    assert [word.strip() for word in first[2:]] == ["etcd-peer", "-", "<missing>", "-"]


def test_a_renewal_that_failed_is_a_finding(
    fleet: Fleet, capfd: pytest.CaptureFixture[str]
) -> None:
    failed = "failure\tsnapshot\tno space left on device\n"
    assert fleet("--cluster", "one", text=printed(more=failed)) == 1
    reason = "one-control-plane-0: the renewal of snapshot failed: no space left on device"
    assert reason in capfd.readouterr().err


def test_the_threshold_decides_what_is_about_to_expire(fleet: Fleet) -> None:
    assert fleet("--cluster", "one", "--threshold", "329d") == 0
    assert fleet("--cluster", "one", "--threshold", "330d") == 1


def test_the_stacks_file_says_when_a_ca_is_reported(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = {
        "certificates": {"warnBefore": "3000d"},
        "machines": {"driver": "container"},
        "clusters": {"one": {"machines": {"subnet": "10.89.1.0/24"}}},
    }
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(yaml.safe_dump({"config": {"kubeadm-fleet:fleet": config}}))
    workspace = SimpleNamespace(tracked_config=file)
    monkeypatch.setattr("scripts.fleet.ledger.open_workspace", lambda _stack: workspace)
    limits: list[object] = []
    real = read_machines

    def read(*arguments: Any) -> Any:
        limits.append(arguments[2])
        return real(*arguments)

    monkeypatch.setattr("ops.hosts.certificates.read", read)
    assert fleet("--cluster", "one") == 0
    file.write_text("config: {}")
    assert fleet("--cluster", "one") == 0, "an error in the file hides no certificate"
    assert limits == [{"one": timedelta(days=3000)}, {}]


def test_a_machine_that_cannot_be_read_is_a_row_and_the_exit_status_is_2(
    fleet: Fleet, capfd: pytest.CaptureFixture[str]
) -> None:
    assert fleet() == 2
    shown = capfd.readouterr()
    unknown = shown.out.splitlines()[1].split()
    assert unknown[:2] == ["other", "other-control-plane-0"]
    assert "<unknown>" in unknown
    assert "apiserver" in shown.out
    assert "fleet: other-control-plane-0:" in shown.err
    assert "cannot be reached" in shown.err


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_documents_have_the_fields_of_the_schema(
    fleet: Fleet, capfd: pytest.CaptureFixture[str], output: str
) -> None:
    assert fleet("-o", output) == 2
    text = capfd.readouterr().out
    document = json.loads(text) if output == "json" else yaml.safe_load(text)
    ledger = Ledger.model_validate(document)
    assert [found.name for found in ledger.certificates] == [
        *("front-proxy-client", "apiserver", "ca")
    ]
    assert document["certificates"][0]["notAfter"].endswith("Z")
    assert [found.node for found in ledger.unreadable] == ["other-control-plane-0"]


def test_kubeconfigs_and_the_programs_identity_are_listed(
    fleet: Fleet, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ended = certificates.issue_client(CA, "ann", [], timedelta(seconds=-1))
    context = kubeconfigs.Context("one", "https://192.0.2.1:6443", CA.cert_pem, *_of(ended))
    for file in ("kubeconfigs/dev/one", "identities/dev/one-0a1b"):
        (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / "kubeconfigs/dev/one").write_text(kubeconfigs.render([context]))
    assert fleet("--cluster", "one") == 0, "a person's certificate is meant to end"
    assert "one-admin" in capfd.readouterr().out
    (tmp_path / "identities/dev/one-0a1b").write_text(kubeconfigs.render([context]))
    assert fleet("--cluster", "one") == 1
    rows = [line.split() for line in capfd.readouterr().out.splitlines()]
    assert {row[2]: row[-1] for row in rows if row and row[1] == "-"} == {
        "one-admin": "ca",
        "one-program": "ca",
    }, "they are distinct, and their CA has the name that it has on machines"


def test_a_local_file_that_cannot_be_read_hides_nothing(
    fleet: Fleet, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "identities/dev").mkdir(parents=True)
    (tmp_path / "identities/dev/one-0a1b").write_text("nothing")
    assert fleet("--cluster", "one") == 2
    shown = capfd.readouterr()
    assert "apiserver" in shown.out
    assert "identities/dev/one-0a1b is not a kubeconfig" in shown.err


def _of(pair: certificates.KeyPair) -> tuple[str, str]:
    return pair.cert_pem, pair.key_pem


def test_an_unknown_cluster_is_an_error(fleet: Fleet, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exception, match="no cluster on: did you mean one"):
        fleet("--cluster", "on")


def test_cluster_and_selector_exclude_each_other(fleet: Fleet) -> None:
    assert fleet("--cluster", "one", "-l", "a=b") == 2


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (timedelta(seconds=-1), "<invalid>"),
        (timedelta(seconds=59), "59s"),
        (timedelta(minutes=90), "1h"),
        (timedelta(days=329, hours=23), "329d"),
        (timedelta(days=3649), "9y"),
    ],
)
def test_time_left_is_as_kubeadm_prints_it(left: timedelta, text: str) -> None:
    assert residual(left) == text
