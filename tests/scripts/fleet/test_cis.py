"""`fleet cis` against a real sshd and a fake API: rows, formats and exit statuses."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from model.cis.report import Report
from model.render import node_scripts
from ops.hosts.inventory import Inventory, MachineEntry
from ops.kube import cis_objects
from scripts.fleet import access, engine_run
from scripts.fleet.__main__ import cli
from tests.model.cis.good import OBJECTS, RECORDED, control_plane, printed
from tests.ops.kube.api_server import Api
from tests.scripts.fleet.hosts import login
from tests.sshd import KeyPair, Sshd

GOOD = printed(control_plane())
KUBELET = "path\t600\troot:root\tf\t/etc/kubernetes/kubelet.conf"
SPOILED = GOOD.replace(KUBELET, KUBELET.replace("600", "644"))
Fleet = Callable[..., int]


@pytest.fixture
def fleet(
    host: Sshd, key: KeyPair, api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Fleet:
    """Runs `fleet cis` for cluster `one`, whose machine prints `text`, and a silent `other`."""
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
    objects = json.loads((RECORDED / OBJECTS).read_text())
    api.lists |= {path: objects[name] for name, path in cis_objects.LISTS.items()}
    api.lists[cis_objects.PODS] = objects["pods"]
    folder = tmp_path / "kubeconfigs" / "dev"
    folder.mkdir(parents=True)
    (folder / "one").write_text(api.kubeconfig)
    files = [folder / "one"]

    def compose(script: str, settings: Mapping[str, str]) -> str:
        assert (script, settings) == ("cis_facts", {})
        return f"cis_facts() {{ cat {tmp_path}/text; }}\n"

    def run(*arguments: str, text: str = GOOD) -> int:
        (tmp_path / "text").write_text(text)
        with pytest.raises(SystemExit) as ended:
            cli.main(["cis", *arguments])
        status: Any = ended.value.code
        return int(status)

    monkeypatch.setattr(node_scripts, "compose", compose)
    monkeypatch.setattr(engine_run, "inventory", lambda _stack: Inventory(output))
    monkeypatch.setattr(access, "cluster_kubeconfigs", lambda _stack: files)
    return run


def rows(text: str) -> list[list[str]]:
    return [[word.strip() for word in line.split("  ") if word] for line in text.splitlines()]


def test_nothing_fails_on_a_good_cluster(fleet: Fleet, capfd: pytest.CaptureFixture[str]) -> None:
    assert fleet("--cluster", "one") == 0
    shown = capfd.readouterr()
    head, *found = rows(shown.out)
    assert head == ["CLUSTER", "ITEM", "RESULT", "NODES", "TITLE", "FOUND"]
    assert {row[2] for row in found if row and row[0] == "one" and len(row) == 6} >= {"manual"}
    assert "fail" not in {row[2] for row in found if len(row) == 6}
    summary = next(row for row in found if row and row[-1].startswith("CIS Kubernetes"))
    assert summary[0] == "one" and (summary[2], summary[4]) == ("0", "0")
    assert not shown.err


def test_a_failing_item_is_first_and_the_status_is_1(
    fleet: Fleet, capfd: pytest.CaptureFixture[str]
) -> None:
    assert fleet("--cluster", "one", text=SPOILED) == 1
    shown = capfd.readouterr()
    assert rows(shown.out)[1] == [
        *("one", "4.1.5", "fail", "one-control-plane-0"),
        *(
            "Permissions of the kubelet's kubeconfig: 600 at most",
            "/etc/kubernetes/kubelet.conf 644",
        ),
    ]
    assert "docs/runbooks/cis.md" in shown.err


def test_only_what_fails_with_its_remedy(fleet: Fleet, capfd: pytest.CaptureFixture[str]) -> None:
    assert fleet("--cluster", "one", "--failed", "-o", "wide", text=SPOILED) == 1
    head, row, *_ = rows(capfd.readouterr().out)
    assert head[-1] == "REMEDY"
    assert (row[1], row[-1]) == ("4.1.5", "On the machine: chmod 600, for each file that is named.")


def test_it_is_said_that_nothing_fails(fleet: Fleet, capfd: pytest.CaptureFixture[str]) -> None:
    assert fleet("--cluster", "one", "--failed") == 0
    assert rows(capfd.readouterr().out)[:2] == [["No item fails."], []]


def test_one_item_is_shown_where_it_passes(fleet: Fleet, capfd: pytest.CaptureFixture[str]) -> None:
    assert fleet("--cluster", "one", "--item", "1.2.15", text=SPOILED) == 0
    _, row, *_ = rows(capfd.readouterr().out)
    assert (row[1], row[2], row[-1]) == ("1.2.15", "pass", "--profiling=false")


def test_a_section_is_all_of_its_items(fleet: Fleet, capfd: pytest.CaptureFixture[str]) -> None:
    assert fleet("--cluster", "one", "--item", "1.4", "-o", "json") == 0
    report = Report.model_validate(json.loads(capfd.readouterr().out))
    assert {result.item for result in report.results} == {"1.4.1", "1.4.2"}


def test_a_name_of_a_file_is_neither_a_line_nor_markup(
    fleet: Fleet, capfd: pytest.CaptureFixture[str]
) -> None:
    hostile = "path\t644\troot:root\tf\t/etc/cni/net.d/[/x]\u2028unit\x85complete\n"
    text = GOOD.replace("complete\n", f"{hostile}complete\n")
    assert fleet("--cluster", "one", "--item", "1.1.9", text=text) == 0
    assert "/etc/cni/net.d/[/x]?unit?complete 644" in capfd.readouterr().out


def test_an_unknown_item_is_an_error(fleet: Fleet, capfd: pytest.CaptureFixture[str]) -> None:
    assert fleet("--item", "1.2.99") == 2
    assert "neither an item nor a section 1.2.99" in capfd.readouterr().err


def test_what_cannot_be_read_hides_nothing_and_the_status_is_2(
    fleet: Fleet, capfd: pytest.CaptureFixture[str]
) -> None:
    assert fleet(text=SPOILED) == 2
    shown = capfd.readouterr()
    found = rows(shown.out)
    assert found[1][:3] == ["one", "4.1.5", "fail"]
    unknown = [row for row in found if "<unknown>" in row]
    assert [row[:4] for row in unknown] == [
        ["other", "-", "<unknown>", "other-control-plane-0"],
        ["other", "-", "<unknown>", "-"],
    ]
    assert "cannot be reached" in shown.err
    assert "no kubeconfig is known" in shown.err


def test_an_api_that_refuses_leaves_the_machines_items(
    fleet: Fleet, api: Api, capfd: pytest.CaptureFixture[str]
) -> None:
    del api.lists[cis_objects.PODS]
    assert fleet("--cluster", "one", "-o", "json") == 2
    report = Report.model_validate(json.loads(capfd.readouterr().out))
    (unknown,) = report.unreadable
    assert unknown.node == "" and "its objects cannot be read" in unknown.reason
    assert {result.item[0] for result in report.results} == {"1", "2", "3", "4"}


def test_documents_have_the_fields_of_the_schema(
    fleet: Fleet, capfd: pytest.CaptureFixture[str]
) -> None:
    assert fleet("-o", "json") == 2
    document = json.loads(capfd.readouterr().out)
    Report.model_validate(document)
    assert set(document) == {"time", "benchmark", "clusters", "results", "unreadable"}
    assert set(document["results"][0]) == {
        *("cluster", "node", "item", "title", "level", "state", "found", "remedy")
    }


def test_no_secret_is_requested(fleet: Fleet, api: Api) -> None:
    fleet("--cluster", "one")
    assert api.asked and not [path for path in api.asked if "secret" in path]
    assert {path.split()[0] for path in api.asked} == {"GET"}


def test_cluster_and_selector_exclude_each_other(fleet: Fleet) -> None:
    assert fleet("--cluster", "one", "-l", "a=b") == 2
