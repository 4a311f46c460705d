"""The end of a person's access: every place is tried, and those that fail are named."""

import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from model.pki import certificates
from ops import revocation
from ops.errors import OperatorError
from ops.hosts.inventory import InventoryMachine
from ops.hosts.ssh_errors import Unreachable
from ops.kube import client, published_authorities
from ops.kube.published_authorities import KEY, PATH
from ops.revocation import RBAC, Outcome, Place, Revoked
from tests.ops.kube.api_server import Answer, Api, api

__all__ = ["api"]
CLUSTER, ALICE, BOB = (
    certificates.new_authority(name, timedelta(days=10)).cert_pem
    for name in ("kubernetes", "person-alice", "person-bob")
)
REVOKED = Revoked("alice", ALICE)
REFUSED = "certificates of alice are refused, 0.2 s after their CA was removed"
NAMES = ("plane-0", "plane-1", "plane-2")
OWN, OTHER = "kubeadm-fleet:alice:view", "kubeadm-fleet:alice2:view"


def place(api: Api, *names: str, cluster: str = "a") -> Place:
    """Return a cluster with these control planes."""
    planes = [
        InventoryMachine(name, cluster, "control-plane", "", "10.0.0.1", "container", None)
        for name in names
    ]
    ids = {name: f"id of {name}" for name in names}
    return Place(cluster, planes, ids, lambda: client.of(api.kubeconfig))


def silent() -> client.Client:
    raise OperatorError("it does not answer")


def binding(name: str, **metadata: str) -> dict[str, object]:
    return {"metadata": {"name": name, **metadata}}


class Machines:
    """Machines that answer, fail or are unreachable; `calls` is what was run on each."""

    def __init__(self, failing: Mapping[tuple[str, str], Exception]) -> None:
        self.failing = failing
        self.calls: list[tuple[str, str]] = []
        self.before = "removed"

    def run(self, _place: Place, machine: InventoryMachine, call: str, more: Any) -> str:
        """Stand in for revocation._run."""
        self.calls.append((machine.name, call))
        if error := self.failing.get((machine.name, call)):
            raise error
        return f"{self.before} 0.2"


def machines(monkeypatch: pytest.MonkeyPatch, **failing: Exception) -> Machines:
    """Replace the machines; `plane_1__restart_api_server=...` fails there."""
    known = {tuple(key.replace("plane_", "plane-").split("__")): error
             for key, error in failing.items()}  # fmt: skip
    found = Machines({(name, call): error for (name, call), error in known.items()})
    monkeypatch.setattr(revocation, "_run", found.run)
    return found


@pytest.fixture
def published(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """An API with bindings of alice, and three published CAs."""
    api.lists[f"{RBAC}/clusterrolebindings"] = [binding(OWN), binding(OTHER), binding("alice")]
    api.lists[f"{RBAC}/rolebindings"] = [binding(OWN, namespace="shop")]
    for path in (f"clusterrolebindings/{OWN}", f"namespaces/shop/rolebindings/{OWN}"):
        api.answers[f"DELETE {RBAC}/{path}"] = (200, {})
    data = {KEY: f"{CLUSTER}{ALICE}{BOB}"}

    def patch() -> Answer:
        data.update(api.sent[f"PATCH {PATH}"]["data"])
        return 200, {}

    api.answers[f"GET {PATH}"] = lambda: (200, {"data": dict(data)})
    api.answers[f"PATCH {PATH}"] = patch
    monkeypatch.setattr(published_authorities, "UNDISTURBED_SECONDS", 0)
    return api


def test_bindings_and_published_ca_go_and_those_of_others_stay(
    published: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = machines(monkeypatch)
    outcomes = revocation.revoke(REVOKED, [place(published, *NAMES)])
    assert outcomes[:-1] == [
        *(Outcome(name, REFUSED) for name in NAMES),
        Outcome("a", "2 bindings of alice deleted"),
        Outcome("a", "the CA of alice is no longer published for aggregated API servers"),
    ]
    assert outcomes[-1].place == "a"
    assert outcomes[-1].text.startswith("the access of alice ended after 0.")
    deleted = [asked.removeprefix("DELETE ") for asked in published.asked if "DELETE" in asked]
    assert deleted == [
        f"{RBAC}/clusterrolebindings/{OWN}",
        f"{RBAC}/namespaces/shop/rolebindings/{OWN}",
    ]
    assert published.sent[f"PATCH {PATH}"] == {"data": {KEY: f"{CLUSTER}{BOB}"}}
    assert {call for _, call in found.calls} == {"revoke_client"}, "nothing is restarted"


def test_a_dead_cluster_and_a_dead_machine_are_named_and_the_others_done(
    published: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines(monkeypatch, plane_1__revoke_client=Unreachable("no route to plane-1"))
    dead = Place("b", (), {}, silent)
    outcomes = revocation.revoke(REVOKED, [place(published, *NAMES), dead])
    failed = [outcome for outcome in outcomes if outcome.failed]
    assert [outcome.place for outcome in failed] == ["plane-1", "a", "b"]
    assert failed[0].text.startswith("no route to plane-1\n  If its API server runs, it may")
    assert "published for aggregated API servers again" in failed[1].text
    assert failed[2] == Outcome("b", "it does not answer", failed=True)
    assert not [outcome for outcome in outcomes if "ended after" in outcome.text]
    assert Outcome("plane-2", REFUSED) in outcomes
    assert Outcome("a", "2 bindings of alice deleted") in outcomes
    assert published.asked.count(f"PATCH {PATH}") == 1, "it does not wait for what is unreachable"


def test_what_is_not_published_is_not_written(
    published: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines(monkeypatch)
    published.answers[f"GET {PATH}"] = (200, {"data": {KEY: CLUSTER}})
    outcomes = revocation.revoke(REVOKED, [place(published, *NAMES)])
    assert not [outcome for outcome in outcomes if "publish" in outcome.text]
    assert f"PATCH {PATH}" not in published.asked


def test_open_streams_are_cut_on_one_control_plane_after_another(
    published: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = machines(monkeypatch, plane_0__restart_api_server=Unreachable("no route"))
    outcomes = revocation.revoke(REVOKED, [place(published, *NAMES)], cut=True)
    assert [call for call in found.calls if call[1] == "restart_api_server"] == [
        (name, "restart_api_server") for name in NAMES
    ]
    assert {call for _, call in found.calls[:3]} == {"revoke_client"}, "after they refuse"
    assert Outcome("plane-0", "no route", failed=True) in outcomes


def test_an_unreachable_control_plane_is_not_waited_for_twice(
    published: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = machines(monkeypatch, plane_1__revoke_client=Unreachable("no route"))
    outcomes = revocation.revoke(REVOKED, [place(published, *NAMES)], cut=True)
    restarted = [name for name, call in found.calls if call == "restart_api_server"]
    assert restarted == ["plane-0", "plane-2"]
    assert Outcome("plane-1", "its API server was not restarted", failed=True) in outcomes


def test_an_api_server_that_publishes_the_ca_again_does_not_hold_the_run_up(
    published: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs on a control plane that cannot be reached over SSH, and knows the CA."""
    machines(monkeypatch, plane_1__revoke_client=Unreachable("no route"))
    data = {KEY: f"{CLUSTER}{ALICE}{BOB}"}
    published.answers[f"GET {PATH}"] = (200, {"data": data})
    published.answers[f"PATCH {PATH}"] = (200, {})
    began = time.monotonic()
    outcomes = revocation.revoke(REVOKED, [place(published, *NAMES)])
    assert time.monotonic() - began < published_authorities.READ_AGAIN_SECONDS / 10
    assert [outcome.place for outcome in outcomes if outcome.failed] == ["plane-1", "a"]


def test_a_cluster_without_access_says_so_and_nothing_else(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines(monkeypatch).before = "absent"
    for kind in revocation.BINDINGS:
        api.lists[f"{RBAC}/{kind}"] = []
    api.answers[f"GET {PATH}"] = (200, {"data": {KEY: CLUSTER}})
    (only,) = revocation.revoke(REVOKED, [place(api, *NAMES)])
    assert only == Outcome("a", "alice has no access")


def test_one_binding_is_one(published: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    machines(monkeypatch)
    published.lists[f"{RBAC}/rolebindings"] = []
    outcomes = revocation.revoke(REVOKED, [place(published, *NAMES)])
    assert Outcome("a", "1 binding of alice deleted") in outcomes


def test_silent_machines_hold_no_api_up(published: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bindings go first, whatever the number of machines that do not answer."""
    monkeypatch.setattr(revocation, "PARALLEL", 1)
    deleted = threading.Event()
    calls: list[str] = []

    def delete() -> Answer:
        calls.append("delete")
        if len(calls) == 2:
            deleted.set()
        return 200, {}

    published.answers[f"DELETE {RBAC}/namespaces/shop/rolebindings/{OWN}"] = delete

    def silent_machine(*_: Any) -> str:
        assert deleted.wait(10), "the bindings wait for the machine"
        raise Unreachable("no route")

    monkeypatch.setattr(revocation, "_run", silent_machine)
    places = [place(published, name, cluster=name[-1]) for name in ("of-a", "of-b")]
    outcomes = revocation.revoke(REVOKED, places)
    assert [outcome.place for outcome in outcomes if outcome.failed][:2] == ["of-a", "a"]


def test_no_other_api_server_is_restarted_after_one_that_does_not_come_back(
    published: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = machines(monkeypatch, plane_1__restart_api_server=OperatorError("not ready"))
    outcomes = revocation.revoke(REVOKED, [place(published, *NAMES)], cut=True)
    restarted = [name for name, call in found.calls if call == "restart_api_server"]
    assert restarted == ["plane-0", "plane-1"]
    assert outcomes[-1] == Outcome("plane-1", "not ready", failed=True)


def test_a_machine_without_identity_or_login_is_named(published: Api) -> None:
    one = place(published, "plane-0")
    first = revocation.revoke(REVOKED, [Place("a", one.control_planes, {}, one.connect)])[0]
    assert first.failed and "its identity is not known" in first.text
    first = revocation.revoke(REVOKED, [one])[0]
    assert first.failed and "no login is known" in first.text
