"""The preview of each phase of a rotation, by the real engine: what it shows is what `up` does.

While a resource is to be updated, a preview knows nothing that it gives but its ID and its inputs.
"""

import json
from pathlib import Path

import pytest

from model.rotation_phases import NAMES, PHASES, config_key
from tests.small_stack import Finished, Stack

PROGRAM = """
import pulumi

from components import announcement, pki
from components.providers.membership import Membership, MembershipArgs
from model.load import load
from tests.components.providers.source import Source, SourceArgs

fleet = load(pulumi.Config().require_object("fleet"))
announcement.announce(fleet)
(cluster,) = fleet.clusters
trust = pki.Pki("one-pki", pki.PkiArgs(cluster))
Source("user", SourceArgs(value=trust.identity))
Membership(
    "member",
    MembershipArgs(
        cluster="one",
        node="one-worker-0",
        role="worker",
        pool="",
        address="10.89.1.20",
        peers=[],
        machine_id="of a machine",
        identity=trust.identity,
        drain_seconds=60,
        force=False,
    ),
)
"""


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack with the trust of one cluster, and what refers to it."""
    monkeypatch.setenv("KUBEADM_FLEET_STATE", str(tmp_path / "state"))
    stack = Stack(tmp_path, PROGRAM)
    rotate(stack)
    succeeded(stack.up())
    return stack


def rotate(stack: Stack, **phases: str) -> None:
    machines = {"driver": "container", "subnet": "10.89.1.0/24"}
    cluster = {"machines": machines, "rotations": phases}
    config = {"kubernetesVersion": "1.36.3", "clusters": {"one": cluster}}
    stack.configure(fleet=json.dumps(config))


def succeeded(finished: Finished) -> dict[str, str]:
    assert finished.status == 0, finished.output
    return finished.steps()


@pytest.mark.slow
def test_a_preview_of_each_phase_shows_what_changes_and_nothing_else(stack: Stack) -> None:
    """The reference to the program's credential stays, too, and the credential follows."""
    (path,) = (stack.folder / "state" / "identities" / "test").iterdir()
    credentials = {path.read_text()}
    changed = {f"one-{name}": "update" for name in NAMES}
    reissued = {**changed, "one-admin": "update"}
    for phase, expected in zip(PHASES, (changed, reissued, changed), strict=True):
        rotate(stack, **{config_key(name): phase for name in NAMES})
        shown = succeeded(stack.preview())
        assert succeeded(stack.up()) == shown == expected, phase
        credentials.add(path.read_text())
    assert len(credentials) == 4
