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
from scripts.fleet import revocation

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
    file.write_text(yaml.safe_dump({"config": {revocation.FLEET: {"people": {"users": users}}}}))
    return file


class Calls:
    """The calls of ops.revocation, and what they return."""

    def __init__(self) -> None:
        self.asked: list[tuple[Revoked, list[Place], bool]] = []
        self.outcomes = [Outcome("one", "access ended after 0.4 s")]

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
    assert (shown.out, shown.err) == ("one: access ended after 0.4 s\n", "")


def test_what_is_left_is_named_once(calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    calls.outcomes = [Outcome("two-0", "no route", failed=True), Outcome("two-0", "x", failed=True)]
    assert revocation.revoke("dev", "alice", cut=False) == 1
    assert "Not done: two-0. Run this again" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("users", "warning"),
    [
        ({"alice": {}}, "Remove alice from people.users in Pulumi.dev.yaml"),
        (None, ""),
        ({"bob": {}}, ""),
    ],
)
def test_a_config_that_would_grant_the_access_again_is_named(
    users: Any,
    warning: str,
    calls: Calls,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config(tmp_path, users)
    assert revocation.revoke("dev", "alice", cut=False) == 0
    shown = capsys.readouterr().err
    assert shown.startswith(warning) if warning else shown == ""


def test_a_config_that_cannot_be_read_is_said_to_be_so(
    calls: Calls, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Pulumi.dev.yaml").unlink()
    assert revocation.revoke("dev", "alice", cut=False) == 0
    assert "could not be read: if it has" in capsys.readouterr().err


def test_an_unknown_person_is_refused(calls: Calls) -> None:
    with pytest.raises(OperatorError, match=r"no user bob .* its users: alice"):
        revocation.revoke("dev", "bob", cut=False)
    assert calls.asked == []
