"""When an enrolled host is replaced, and what is surveyed before: with stand-ins for the hosts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from components.providers import host_visit
from components.providers.existing_host import ExistingHostProvider
from ops.errors import OperatorError
from ops.hosts import content
from ops.hosts.artifacts import HostArtifacts
from ops.hosts.facts import Claim, Facts
from ops.hosts.login import Login
from ops.hosts.ssh_errors import Unreachable
from tests.ops.hosts.test_preflight import FITS

HOSTS = ExistingHostProvider()
OLD, NEW = "10.0.0.11", "10.0.0.12"
CLAIM = Claim("0123fleet", "rack9-z", "3f2a")
NOTHING = HostArtifacts("", "", ())


class Hosts(dict[str, Facts]):
    """The hosts that answer, by address; `reset` are those that were reset."""

    def __init__(self) -> None:
        super().__init__()
        self.reset: list[str] = []

    def boot(self, address: str, **changes: Any) -> None:
        self[address] = replace(FITS, addresses=(("eth0", address),), clock=0, **changes)

    @contextmanager
    def connected(self, login: Login, **_: object) -> Iterator[str]:
        if login.host not in self:
            raise Unreachable(f"{login.host} cannot be reached")
        yield login.host

    def visit(self, address: str, **_: object) -> object:
        return SimpleNamespace(
            where=address,
            facts=lambda _written: self[address],
            inspect=lambda: self[address],
            reset=lambda _id: self.reset.append(address),
        )


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Hosts:
    """One that is enrolled, and one that is new."""
    known = Hosts()
    monkeypatch.setattr("ops.hosts.ssh.connected", known.connected)
    monkeypatch.setattr("ops.hosts.enrollment.Enrollment", known.visit)
    monkeypatch.setattr("ops.hosts.enrollment.time", lambda: 0)
    monkeypatch.setattr(host_visit, "artifacts_of", lambda *_: NOTHING)
    known.boot(OLD, claim=CLAIM, is_member=True)
    known.boot(NEW)
    return known


def inputs(address: str, host_key: str) -> dict[str, Any]:
    login = {"host": address, "port": 22.0, "user": "root", "sudo": False, "host_key": host_key}
    return {
        "fleet": CLAIM.fleet,
        "machine": CLAIM.machine,
        "role": "worker",
        "address": address,
        "kubernetes_version": "v1.36.3",
        "source": "bundle",
        "login": login,
        "host_key_check": "pinned",
        "files": content.put(""),
    }


def enrolled() -> dict[str, Any]:
    return {
        **inputs(OLD, "old key"),
        "machine_id": "0123456789abcdef-3f2a",
        "facts": {"arch": "amd64"},
        "artifacts_digest": NOTHING.digest,
        "condition": "ours",
    }


def test_another_host_is_a_replacement_once_it_was_found_fit(hosts: Hosts) -> None:
    found = HOSTS.diff("", enrolled(), inputs(NEW, "new key"))
    assert (found.replaces, found.delete_before_replace) == (["address", "login"], True)
    assert hosts.reset == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"folders": ("/etc/kubernetes",)}, "leftovers of an earlier installation"),
        ({"claim": replace(CLAIM, machine="rack9-y")}, "owner: this host is rack9-y of this fleet"),
        ({"cpus": 0}, "CPUs: 0"),
    ],
)
def test_nothing_is_given_up_for_a_host_that_would_be_refused(
    hosts: Hosts, changes: dict[str, Any], problem: str
) -> None:
    hosts.boot(NEW, **changes)
    with pytest.raises(OperatorError, match="nothing was changed on either") as refused:
        HOSTS.diff("", enrolled(), inputs(NEW, "new key"))
    assert problem in str(refused.value)


@pytest.mark.parametrize("silent", [OLD, NEW])
def test_nothing_is_given_up_while_a_host_is_silent(hosts: Hosts, silent: str) -> None:
    del hosts[silent]
    with pytest.raises(OperatorError, match=f"{silent} cannot be reached"):
        HOSTS.diff("", enrolled(), inputs(NEW, "new key"))


def test_another_address_of_the_node_is_a_replacement_on_the_same_host(hosts: Hosts) -> None:
    """Its etcd member, its certificates and its manifests have the former one."""
    addresses = (("eth0", OLD), ("eth1", "192.0.2.7"))
    hosts[OLD] = replace(hosts[OLD], addresses=addresses)
    found = HOSTS.diff("", enrolled(), {**inputs(OLD, "old key"), "address": "192.0.2.7"})
    assert found.replaces == ["address"]


def test_a_machine_that_was_declared_lost_and_came_back_is_not_taken_for_a_new_one(
    hosts: Hosts,
) -> None:
    """It would say that it is a member already, and wait for an etcd that was removed."""
    with pytest.raises(OperatorError, match="still belongs to a cluster as rack9-z"):
        HOSTS.create(inputs(OLD, "old key"))
    hosts.boot(NEW, claim=CLAIM, is_member=True)
    with pytest.raises(OperatorError, match="still belongs to a cluster as rack9-z"):
        HOSTS.diff("", {**enrolled(), "machine_id": "other"}, inputs(NEW, "new key"))
    assert hosts.reset == []
