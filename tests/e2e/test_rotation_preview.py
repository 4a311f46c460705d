"""The previews of a rotation, by the real engine and the complete program: what they show is done.

Stand-ins play the hosts and the clusters. While a resource is to be updated, a preview knows
nothing that it gives but its ID and its inputs. The tests run in order.
"""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from model.rotation_phases import (
    ENCRYPTION,
    FINISH,
    NAMES,
    PHASES,
    PREPARE,
    SWITCH,
    config_key,
)
from scripts.bench import fleets
from scripts.bench.existing import ROLLOUT, STAND_INS
from scripts.bench.stack import PROJECT
from tests.e2e.pulumi_stack import PulumiStack

pytestmark = [pytest.mark.slow, pytest.mark.long]

CHANGES = ("create", "update", "replace", "delete")
# What changes in each phase: the rollout brings it to machines, which are checked then.
CHANGED = {*(f"cluster1-{name}" for name in NAMES), "cluster1-rollout", "cluster1-health"}
CHANGED |= {"cluster1-metrics-server-certificate"}
REISSUED = CHANGED | {"cluster1-admin"}


def silent() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0), backlog=512)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PulumiStack]:
    """Two clusters of one control plane and one worker, with endpoints that never answer."""
    with silent() as first, silent() as second:
        ports = [server.getsockname()[1] for server in (first, second)]
        config = fleets.existing(4, 2, [f"localhost:{port}" for port in ports])
        folder = tmp_path_factory.mktemp("rotation")
        stack = PulumiStack(folder, "rotation", config[fleets.KEY], STAND_INS)
        for cluster in stack.config["clusters"].values():
            hosts = cluster["controlPlanes"]["hosts"]
            (worker,) = [*hosts][1:]
            cluster["workers"] = {"hosts": {worker: hosts.pop(worker)}}
        stack.secrets = {"sshPrivateKey": config[fleets.SSH_KEY]}
        stack.environment |= {ROLLOUT: "0", "PYTHONPATH": str(PROJECT)}
        stack.create()
        stack.up()
        yield stack


def rotate(fleet: PulumiStack, cluster: str, **phases: str) -> None:
    fleet.config["clusters"][cluster]["rotations"] = phases


def every(phase: str) -> dict[str, str]:
    return {config_key(name): phase for name in NAMES}


def changed(fleet: PulumiStack, verb: str) -> set[str]:
    finished = fleet.preview() if verb == "preview" else fleet.up()
    # Ports of hosts that do not exist are checked again in each run.
    return {name for name in finished.steps(*CHANGES) if not name.endswith("-ports")}


def test_a_preview_of_each_phase_shows_what_up_does_and_nothing_else(fleet: PulumiStack) -> None:
    (credential,) = (fleet.folder / "state" / "identities").glob("*/cluster1-*")
    credentials = {credential.read_text()}
    for phase, expected in zip(PHASES, (CHANGED, REISSUED, CHANGED), strict=True):
        # The end of the service accounts' key would have to wait for an hour.
        rotate(fleet, "cluster1", **every(phase), acknowledge="a test")
        assert changed(fleet, "preview") == expected, phase
        assert changed(fleet, "up") == expected, phase
        # What refers to it stays the same, and it follows the CA.
        credentials.add(credential.read_text())
    assert len(credentials) == len(PHASES) + 1
    rotate(fleet, "cluster1")
    assert changed(fleet, "preview") == set()


def test_the_key_for_secrets_alone_changes_nothing_else(fleet: PulumiStack) -> None:
    own = {f"cluster1-{ENCRYPTION}", "cluster1-rollout"}
    for phase in PHASES:
        rotate(fleet, "cluster1", encryption=phase)
        shown = fleet.preview()
        says = f"cluster1-host-1: rotation of {ENCRYPTION}: {phase}"
        assert (says in shown.output) == (phase != FINISH), shown.output
        assert "cluster1-host-2: rotation" not in shown.output, "a worker"
        found = {name for name in shown.steps(*CHANGES) if not name.endswith("-ports")}
        assert own <= found <= own | {"cluster1-health"}
        # Whether machines changed, and are to be checked again, is known after the run alone.
        assert own <= changed(fleet, "up") <= own | {"cluster1-health"}
        assert outputs(fleet)["cluster1"] == (None if phase == FINISH else {ENCRYPTION: phase})
    rotate(fleet, "cluster1")
    assert changed(fleet, "preview") == set()


def test_clusters_are_in_phases_of_their_own_and_none_is_skipped(fleet: PulumiStack) -> None:
    rotate(fleet, "cluster1", ca=PREPARE)
    fleet.up()
    assert outputs(fleet) == {"cluster1": {"ca": PREPARE}, "cluster2": None}
    rotate(fleet, "cluster1", ca=SWITCH)
    rotate(fleet, "cluster2", ca=PREPARE)
    shown = fleet.preview()
    for cluster, phase in (("cluster1", SWITCH), ("cluster2", PREPARE)):
        assert f"{cluster}-host-1: rotation of ca: {phase}: in place" in shown.output
    rotate(fleet, "cluster2", ca=FINISH)
    refused = fleet.run("preview")
    assert refused.status
    assert "the rotation of cluster2-ca cannot go from no phase to finish" in refused.output


def outputs(fleet: PulumiStack) -> dict[str, Any]:
    clusters = fleet.output("clusters")
    return {name: clusters[name].get("rotations") for name in clusters}
