"""The key that encrypts Secrets is rotated while clients read and write Secrets.

One cluster of three control planes, and one of a single control plane that is restored afterwards
from a snapshot of before the rotation. No API server ever meets a Secret that it cannot read,
also when each phase is killed. Run with `-s` for the figures; the tests run in order.
"""

import base64
import os
import random
import time
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

import pytest

from model.rotation_phases import FINISH, PHASES, PREPARE
from ops.rollout.encryption_rows import API_SERVER_SECRETS
from scripts.bench.subnet import subnet
from tests.e2e import failures, snapshots, stored
from tests.e2e.interruptions import kill_after
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.networks import networks
from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.secret_readers import TEXT, Readers

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1500)]

PLANES = [f"cluster1-control-plane-{index}" for index in range(3)]
SINGLE = "cluster2-control-plane-0"
UP = ("up", "--yes", "--skip-preview", "--parallel", "32")
SEED = int(os.environ.get("INTERRUPTIONS_SEED", "20261127"))
# How long a run needs for its preview and the keys, and a phase on all control planes.
BEGIN_SECONDS, PHASE_SECONDS = 8, 15
RECORD = ("--namespace", "kube-system", "get", "configmap", "kubeadm-fleet-encryption")


def config(first: IPv4Network, second: IPv4Network) -> dict[str, Any]:
    return {
        "kubernetesVersion": "1.36.3",
        "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
        "clusters": {
            "cluster1": {
                "machines": {"subnet": str(first)},
                "networking": networks(1),
                "endpoint": {"vip": f"{first[100]}:8443"},
                "controlPlanes": {"count": 3},
                "workers": {"count": 1},
                "rotations": {},
            },
            "cluster2": {
                "machines": {"subnet": str(second)},
                "networking": networks(2),
                "controlPlanes": {"count": 1},
                "workers": {"count": 1},
                "rotations": {},
            },
        },
    }


@pytest.fixture(scope="module")
def fleet() -> Iterator[PulumiStack]:
    with (
        subnet(88) as first,
        subnet(88) as second,
        living(config(first, second)) as stack,
    ):
        yield stack


@pytest.fixture(scope="module")
def kubectl(fleet: PulumiStack) -> Kubectl:
    """The way to both clusters, each of which has a Secret."""
    found = access(fleet)
    for cluster in ("cluster1-admin", "cluster2-admin"):
        create = ("create", "secret", "generic", "early", f"--from-literal=text={TEXT}")
        found.within(cluster)(*create)
    return found


def set_phase(fleet: PulumiStack, phase: str, *clusters: str) -> None:
    for name in clusters:
        fleet.config["clusters"][name]["rotations"] = {"encryption": phase}


def keys_of(cluster: Kubectl, machine: str) -> set[str]:
    """The names of the keys that wrote the Secrets in a control plane's etcd."""
    return {
        value.split(b":")[4].decode() if value.startswith(b"k8s:enc:secretbox:v1:") else "none"
        for value in stored.secrets(cluster, machine).values()
    }


def writer(cluster: Kubectl) -> str:
    return cluster(*RECORD, "--output", "jsonpath={.data.writer}")


def text_of(cluster: Kubectl, name: str) -> str:
    read = cluster("get", "secret", name, "--output", "jsonpath={.data.text}")
    return base64.b64decode(read).decode()


def test_a_snapshot_is_taken_before(fleet: PulumiStack, kubectl: Kubectl) -> None:
    second = kubectl.within("cluster2-admin")
    snapshots.save(fleet, second, "cluster2", SINGLE, fleet.folder / "early.db")


def test_every_secret_has_the_new_key_and_can_be_read_throughout(
    fleet: PulumiStack, kubectl: Kubectl
) -> None:
    first, second = (kubectl.within(f"cluster{number}-admin") for number in (1, 2))
    (former,), (former_second,) = keys_of(first, PLANES[0]), keys_of(second, SINGLE)
    assert writer(first) == f"secretbox {former}"
    for phase in PHASES:
        set_phase(fleet, phase, "cluster1", "cluster2")
        began = time.monotonic()
        with Readers(fleet, PLANES) as readers:
            fleet.up()
        print(f"\n{phase}: {time.monotonic() - began:.0f} s, {readers.reads} reads")
        assert readers.unreadable == []
        assert readers.reads > 3
        (now,), (now_second,) = keys_of(first, PLANES[0]), keys_of(second, SINGLE)
        assert (now == former, now_second == former_second) == (phase == PREPARE,) * 2
        for plane in PLANES[1:]:
            assert keys_of(first, plane) == {now}
        assert writer(first) == f"secretbox {now}"
        assert (run := fleet.preview()).changes == {}, run.output
    assert text_of(first, "early") == text_of(second, "early") == TEXT


@pytest.mark.parametrize("phase", PHASES)
def test_a_killed_phase_is_resumed(fleet: PulumiStack, kubectl: Kubectl, phase: str) -> None:
    first = kubectl.within("cluster1-admin")
    (former,) = keys_of(first, PLANES[0])
    set_phase(fleet, phase, "cluster1")
    chance = random.Random(f"{SEED} {phase}")
    with Readers(fleet, PLANES) as readers:
        kill_after(fleet, UP, "", chance.uniform(0, BEGIN_SECONDS))
        if phase != FINISH:
            kill_after(fleet, UP, API_SERVER_SECRETS.doing, chance.uniform(0, PHASE_SECONDS))
        fleet.succeed(*UP)
    print(f"\n{phase}, killed: {readers.reads} reads")
    assert readers.unreadable == []
    (now,) = keys_of(first, PLANES[0])
    assert (now != former) == (phase == "switch")
    assert writer(first) == f"secretbox {now}"
    fleet.refresh()
    assert (run := fleet.up()).changes == {}, run.output


def test_a_snapshot_of_before_is_restored_with_its_secrets(
    fleet: PulumiStack, kubectl: Kubectl
) -> None:
    second = kubectl.within("cluster2-admin")
    (current,) = keys_of(second, SINGLE)
    second("create", "secret", "generic", "late", f"--from-literal=text={TEXT}")
    failures.lose(fleet.machines, "cluster2", SINGLE)
    fleet.refresh()
    fleet.config["clusters"]["cluster2"]["controlPlanes"]["restore"] = str(
        fleet.folder / "early.db"
    )
    began = time.monotonic()
    fleet.up()
    print(f"\nrestored in {time.monotonic() - began:.0f} s")
    assert "late" not in second("get", "secrets", "--output", "name")
    assert text_of(second, "early") == TEXT
    assert keys_of(second, SINGLE) == {current}, "all are written again with the new key"
    assert writer(second) == f"secretbox {current}"
    assert (run := fleet.up()).changes == {}, run.output
