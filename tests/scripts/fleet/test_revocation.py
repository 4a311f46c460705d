"""`fleet revoke`: what it revokes, where, and what would grant the access again."""

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from model.pki import certificates
from ops.errors import OperatorError
from ops.pulumi.deployment import DYNAMIC, STACK, Deployment
from ops.pulumi.engine import Engine
from ops.revocation import Outcome, Place, Revoked
from scripts.fleet import revocation, stack_people

ALICE = certificates.new_authority("person-alice", timedelta(days=10))
MACHINE = {"address": "10.0.0.1", "role": "control-plane", "pool": "", "driver": "container"}


def resource(kind: str, name: str, **outputs: Any) -> dict[str, Any]:
    return {"type": kind, "urn": f"a::{name}", "outputs": outputs}


def engine(tracked: Path) -> Engine:
    """Return the engine of a stack with a finished cluster and one that has no API yet."""
    worker = {**MACHINE, "role": "worker"}
    inventory = {"one": {"one-0": MACHINE, "one-w": worker}, "two": {"two-0": MACHINE}}
    people = {"alice": {"clusters": ["one"], "lifetimeSeconds": 1800.0}}
    authority = {"certificate": ALICE.cert_pem, "private_key": ALICE.key_pem, "fingerprint": "a"}
    found = [
        resource(STACK, "stack", people=people, inventory=inventory),
        resource(f"{DYNAMIC}CertificateAuthority", "person-alice", **authority),
        resource(f"{DYNAMIC}Rollout", "one-rollout", cluster="one", machine_ids={"one-0": "id"}),
    ]
    state = Deployment(json.dumps({"deployment": {"resources": found}}))
    workspace = SimpleNamespace(stack="dev", tracked_config=tracked)
    return cast(Engine, SimpleNamespace(workspace=workspace, deployment=lambda: state))


def config(folder: Path, users: Any) -> Path:
    file = folder / "Pulumi.dev.yaml"
    file.write_text(yaml.safe_dump({"config": {stack_people.FLEET: {"people": {"users": users}}}}))
    return file


class Calls:
    """The calls of ops.revocation, and what they return."""

    def __init__(self) -> None:
        self.asked: list[tuple[Revoked, list[Place], bool]] = []
        self.outcomes = [Outcome("one", "the access of alice ended after 0.4 s")]

    def __call__(self, revoked: Revoked, places: list[Place], *, cut: bool) -> list[Outcome]:
        self.asked.append((revoked, places, cut))
        return self.outcomes


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Calls:
    made = Calls()
    monkeypatch.setattr("ops.revocation.revoke", made)
    made_engine = engine(config(tmp_path, {"bob": {}}))
    monkeypatch.setattr(revocation, "existing_engine", lambda _stack: made_engine)
    return made


def test_the_ca_leaves_all_control_planes_of_all_clusters(
    calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    assert revocation.revoke("dev", "alice", cut=True) == 0
    ((revoked, places, cut),) = calls.asked
    assert (revoked, cut) == (Revoked("alice", ALICE.cert_pem), True)
    assert [
        (place.cluster, [machine.name for machine in place.control_planes], place.machine_ids)
        for place in places
    ] == [("one", ["one-0"], {"one-0": "id"}), ("two", ["two-0"], {})]
    with pytest.raises(OperatorError, match="two has no API yet"):
        places[1].connect()
    shown = capsys.readouterr()
    assert shown.out == "one: the access of alice ended after 0.4 s\n"
    assert shown.err.startswith("Pulumi.dev.yaml does not have alice: `fleet up dev` removes")


def test_what_is_left_is_named_once(calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    calls.outcomes = [Outcome("two-0", "no route", failed=True), Outcome("two-0", "x", failed=True)]
    assert revocation.revoke("dev", "alice", cut=False) == 1
    assert "Not done: two-0. Run this again" in capsys.readouterr().err


FILE = """\
config:
  kubeadm-fleet:fleet:
    people:
      users:
        # On call until May.
        alice: {access: [{role: view}]} # from Tokyo
        bob:
          access: [{role: edit}]
"""


@pytest.mark.parametrize("cluster_fails", [False, True])
def test_the_stacks_file_says_that_the_access_has_ended(
    calls: Calls, cluster_fails: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is tried: a run that is killed must not be undone by the next one."""
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(FILE)
    calls.outcomes = [Outcome("one", "no route", failed=cluster_fails)]
    assert revocation.revoke("dev", "alice", cut=False) == cluster_fails
    once = file.read_text()
    assert yaml.safe_load(once)["config"][stack_people.FLEET]["people"]["users"] == {
        "alice": {"access": [{"role": "view"}], "revoked": True},
        "bob": {"access": [{"role": "edit"}]},
    }
    assert "# On call until May." in once and "# from Tokyo" in once
    shown = capsys.readouterr().err
    assert "people.users.alice in Pulumi.dev.yaml has `revoked: true`" in shown
    assert "To grant it again, remove `revoked`" in shown
    revocation.revoke("dev", "alice", cut=False)
    assert file.read_text() == once, "it is set once"


def test_the_file_is_changed_before_clusters_are_asked(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(FILE)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ops.revocation.revoke", killed)
    with pytest.raises(KeyboardInterrupt):
        revocation.revoke("dev", "alice", cut=False)
    assert "revoked: true" in (tmp_path / "Pulumi.dev.yaml").read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "could not be read. If it has alice: set `revoked: true`"),
        ("config: [", "could not be read. If it has alice: set `revoked: true`"),
        ("config: {kubeadm-fleet:fleet: {people: null}}", "does not have alice"),
        (
            "a: &a {access: []}\nconfig: {kubeadm-fleet:fleet: {people: {users: {alice: *a}}}}",
            "was not changed (the stack file must be changed by hand",
        ),
    ],
)
def test_a_file_that_cannot_be_changed_does_not_hold_the_revocation_up(
    text: str | None,
    said: str,
    calls: Calls,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.unlink() if text is None else file.write_text(text)
    assert revocation.revoke("dev", "alice", cut=False) == 0
    assert len(calls.asked) == 1
    assert said in capsys.readouterr().err


def test_who_was_revoked_and_removed_by_a_run_is_told_so(calls: Calls, tmp_path: Path) -> None:
    config(tmp_path, {"bob": {"revoked": True}})
    with pytest.raises(OperatorError, match="the access of bob was revoked, and the last"):
        revocation.revoke("dev", "bob", cut=False)


def test_an_unknown_person_is_refused(calls: Calls) -> None:
    with pytest.raises(OperatorError, match=r"no user bob .* its users: alice"):
        revocation.revoke("dev", "bob", cut=False)
    assert calls.asked == []
