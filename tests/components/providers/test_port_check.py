"""When ports are tried between which hosts, and what a host that failed changes."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.providers.port_check import PortCheckProvider
from model.ports import Trial, trials
from ops.errors import OperatorError
from ops.hosts import port_trials
from ops.hosts.clones import HostIdentity, parse
from ops.hosts.port_trials import PortResults
from tests.components.providers.source import FAIL
from tests.small_stack import Stack

PORTS = PortCheckProvider()
PROGRAM = """
import json

import pulumi

from components.drivers import id_unless_failed
from tests.components.providers.source import Source, SourceArgs

config = pulumi.Config()
first = Source("first", SourceArgs(value=config.require("value")))
hosts = {"first": first}
if config.get("second"):
    hosts["second"] = Source("second", SourceArgs(value=first.given))
ids = pulumi.Output.all(**{name: id_unless_failed(host) for name, host in hosts.items()})
Source("sink", SourceArgs(value=ids.apply(json.dumps)))
"""


class RecordedTrials:
    """`try_ports` of hosts that answer, unless silent; `closed` decides what fails."""

    def __init__(self) -> None:
        self.tried: list[Trial] = []
        self.new: list[str] = []
        self.silent: set[str] = set()
        self.closed: set[str] = set()
        self.given: dict[str, dict[str, str]] = {}

    def __call__(self, hosts: Any, rules: Any, new: Any, _from_here: Any) -> PortResults:
        self.new = list(new)
        roles = {name: host.role for name, host in hosts.items() if name not in self.silent}
        self.tried = trials(rules, roles, new)
        passed = {trial: trial.target not in self.closed for trial in self.tried}
        identities = {name: self.identity(name) for name in roles if name in {*new, "a"}}
        silent = dict.fromkeys(self.silent, "silent")
        return PortResults(dict.fromkeys(roles, ""), passed, silent, identities)

    def identity(self, name: str) -> HostIdentity:
        """The identity of a host of its own, unless it is a clone of another one."""
        lines = {"machine_id": f"id {name}", "mac": f"mac {name}", "address": "10.0.0.1/24"}
        return parse(f"{key} {value}" for key, value in (lines | self.given.get(name, {})).items())


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> RecordedTrials:
    recorded = RecordedTrials()
    monkeypatch.setattr(port_trials, "try_ports", recorded)
    return recorded


def inputs(**machine_ids: str) -> dict[str, Any]:
    """A cluster of one control plane, "a", and workers."""
    return {
        "cluster": "one",
        "endpoint": "10.0.0.1:6443",
        "pod_subnet": "10.244.0.0/16",
        "network": "flannel",
        "hosts": {
            name: {"role": "control-plane" if name == "a" else "worker", "address": f"10.0.0.{at}"}
            for at, name in enumerate(machine_ids, start=1)
        },
        "machine_ids": machine_ids,
        "logins": {
            name: {"host": name, "port": 22.0, "user": "u", "sudo": True} for name in machine_ids
        },
    }


def test_all_machines_of_a_new_cluster_are_tried(recorded: RecordedTrials) -> None:
    outs = PORTS.create(inputs(a="1", b="2")).outs
    assert outs
    assert outs["passed"] == {"a": "1", "b": "2"}
    assert recorded.new == ["a", "b"]
    assert not PORTS.diff("", outs, inputs(a="1", b="2")).changes


def test_a_new_machine_is_compared_with_all_others(recorded: RecordedTrials) -> None:
    """Also with those that are not tried again."""
    olds = PORTS.create(inputs(a="1", b="2")).outs
    assert olds
    recorded.given["c"] = {"mac": "mac b"}
    with pytest.raises(OperatorError, match="no new machine was prepared:\n  b, c have the MAC"):
        PORTS.update("", olds, inputs(a="1", b="2", c="3"))
    outs = PORTS.update("", olds, inputs(a="1", c="3")).outs
    assert outs
    assert set(outs["identities"]) == {"a", "c"}, "b is gone"


def test_only_machines_that_are_new_or_replaced_are_tried_later(recorded: RecordedTrials) -> None:
    olds = PORTS.create(inputs(a="1", b="2")).outs
    assert olds
    for news, new in ((inputs(a="1", b="2", c="3"), ["c"]), (inputs(a="1", b="9"), ["b"])):
        assert PORTS.diff("", olds, news).changes
        outs = PORTS.update("", olds, news).outs
        assert recorded.new == new
        assert outs
        assert outs["passed"] == news["machine_ids"]
    assert not PORTS.diff("", olds, inputs(a="1")).changes, "one that leaves changes no port"


def test_a_host_that_was_not_enrolled_or_is_silent_is_tried_when_it_is_there(
    recorded: RecordedTrials,
) -> None:
    recorded.silent = {"c"}
    outs = PORTS.create(inputs(a="1", b="", c="3")).outs
    assert recorded.new == ["a", "c"]
    assert outs
    assert outs["passed"] == {"a": "1"}
    assert not PORTS.diff("", {**outs, "passed": {"a": "1", "c": "3"}}, inputs(a="1", b="")).changes
    assert PORTS.diff("", outs, inputs(a="1", b="2", c="3")).changes


def test_closed_ports_stop_the_cluster_and_nothing_is_recorded(recorded: RecordedTrials) -> None:
    recorded.closed = {"b"}
    with pytest.raises(OperatorError, match="cluster one: ports are closed between") as caught:
        PORTS.create(inputs(a="1", b="2"))
    assert "a (10.0.0.1) does not reach b (10.0.0.2) on TCP 10250 (kubelet" in str(caught.value)
    assert "a (10.0.0.1) does not reach b (10.0.0.2) on UDP 8472 (VXLAN" in str(caught.value)


@pytest.mark.slow
def test_a_host_that_could_not_be_enrolled_has_a_blank_id_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONTINUE_ON_ERROR", "true")
    stack = Stack(tmp_path, PROGRAM)
    stack.configure(value="given")
    assert stack.up().status == 0
    stack.configure(value=FAIL, second="yes")
    assert stack.up().status != 0
    resources = json.loads(stack.state())["deployment"]["resources"]
    by_name = {each["urn"].rpartition("::")[2]: each for each in resources}
    assert "second" not in by_name, "what it depends on failed"
    assert json.loads(by_name["sink"]["outputs"]["value"])["second"] == ""
