"""What the program tells its providers of the run, besides inputs of resources."""

from unittest import mock

import pytest

from components import announcement
from model.load import load
from ops.current_run import CurrentRun
from tests.components.conftest import stack_config
from tests.model.examples import changed


def announced(monkeypatch: pytest.MonkeyPatch, stack: str, *changes: tuple[str, str]) -> CurrentRun:
    monkeypatch.setattr(announcement, "engine_address", lambda: "127.0.0.1:1")
    write = mock.Mock()
    monkeypatch.setattr("ops.current_run.write", write)
    announcement.announce(load(changed(stack_config(stack), *changes)))
    run = write.call_args.args[1]
    assert isinstance(run, CurrentRun)
    return run


def test_hosts_are_known_by_address_and_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    config = stack_config("prod")
    host = config["clusters"]["cluster1"]["controlPlanes"]["hosts"]["cp-a"]
    run = announced(monkeypatch, "prod")
    assert run.hosts[f"{host['address']}:22"] == "cluster1-cp-a"
    assert run.hosts[host["hostKey"]] == "cluster1-cp-a"
    assert announced(monkeypatch, "dev").hosts == {}


def test_consents_are_known_by_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("clusters/cluster1/controlPlanes/acceptDataLoss", "OPS-1")
    run = announced(monkeypatch, "dev", words)
    assert run.consents == {"cluster1": "OPS-1", "cluster2": ""}
