"""`fleet etcd`: the members of a cluster's etcd as tables."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ops.errors import OperatorError
from ops.kube import defragmentation
from ops.pulumi.engine import Engine
from ops.pulumi.locks import Lock
from scripts.fleet import access
from scripts.fleet.__main__ import cli
from tests.ops.kube.api_server import Api
from tests.ops.kube.etcd_server import Etcd


@pytest.fixture
def etcd(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Etcd:
    folder = tmp_path / "dev"
    folder.mkdir()
    (folder / "one").write_text(api.kubeconfig)
    monkeypatch.setattr(access, "FOLDER", tmp_path)
    monkeypatch.setattr(Engine, "locks", lambda _: [])
    monkeypatch.setattr(defragmentation, "RECOVERY_SECONDS", 0)
    return Etcd(api, "a", "b")


def fleet_etcd(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["etcd", *arguments], prog_name="fleet")


def test_the_members_are_a_table(etcd: Etcd) -> None:
    shown = fleet_etcd("status", "one")
    assert shown.exit_code == 0
    assert shown.stdout.splitlines() == [
        "MEMBER  ADDRESS     ROLE      HEALTH   SIZE        IN USE     QUOTA       ALARMS",
        "a       192.0.2.11  leader    healthy  1024.0 MiB  512.0 MiB  2048.0 MiB  -",
        "b       192.0.2.12  follower  healthy  1024.0 MiB  512.0 MiB  2048.0 MiB  -",
    ]
    etcd.alarm = "NOSPACE"
    alarmed = fleet_etcd("status", "one")
    assert alarmed.exit_code == 1
    assert alarmed.stdout.splitlines()[1].split()[-1] == "NOSPACE"


def test_space_before_and_after_is_a_table(etcd: Etcd) -> None:
    shown = fleet_etcd("defrag", "one")
    assert shown.exit_code == 0, shown.exception
    lines = shown.stdout.splitlines()
    assert lines[0].split() == ["MEMBER", "ROLE", "BEFORE", "AFTER", "IN", "USE", "QUOTA", "TIME"]
    assert lines[1].startswith("b       follower  1024.0 MiB  256.0 MiB  256.0 MiB  2048.0 MiB  ")
    assert lines[2].startswith("a       leader    1024.0 MiB  256.0 MiB  256.0 MiB  2048.0 MiB  ")
    assert shown.stderr.splitlines() == [
        "    b: defragmenting (follower)",
        "    a: defragmenting (leader)",
    ]


@pytest.mark.usefixtures("etcd")
def test_members_that_were_done_are_shown_after_a_failure(api: Api) -> None:
    etcdctl = api.programs["etcd-a"]
    failed = (1, "", "Error: no")
    api.programs["etcd-a"] = lambda words: failed if "defrag" in words else etcdctl(words)
    shown = fleet_etcd("defrag", "one")
    assert [line.split()[0] for line in shown.stdout.splitlines()] == ["MEMBER", "b"]
    assert str(shown.exception) == "a could not be defragmented: Error: no"


def test_an_unknown_cluster_is_rejected(etcd: Etcd) -> None:
    shown = fleet_etcd("defrag", "two")
    assert str(shown.exception) == "the stack dev has no cluster two; its clusters: one"
    assert etcd.defragmented == []


def test_nothing_is_defragmented_during_another_run(
    etcd: Etcd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Engine, "locks", lambda _: [Lock("dev", "somebody", "h", 1, "2026-11-26T21:30:05Z")]
    )
    shown = fleet_etcd("defrag", "one")
    assert isinstance(shown.exception, OperatorError)
    assert "by somebody@h, process 1" in str(shown.exception)
    misspelled = fleet_etcd("defrag", "two")
    assert "has no cluster two" in str(misspelled.exception), "the input comes first"
    assert etcd.defragmented == []
