"""Rotations of CAs and keys while clients write to the API and query a service.

Three control planes behind a virtual address: no request fails in any phase, no Node is drained,
and no pod but those that the phase needs is restarted. The last rotation is of everything at once,
and each of its phases is killed. Run with `-s` to see the figures; the tests run in order.
"""

import json
import os
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any

import pytest
import yaml

from model.rotation_phases import FINISH, PHASES, PREPARE, SWITCH
from ops.rollout.trust_rows import TRUST
from scripts.bench.subnet import subnet
from tests.e2e import containers, metrics, web_service
from tests.e2e.http_probe import HttpProbe
from tests.e2e.interruptions import kill_after
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.write_probe import WriteProbe

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1800)]

CLUSTER = "cluster1"
CONTROL_PLANES = [f"{CLUSTER}-control-plane-{index}" for index in range(3)]
MACHINES = [*CONTROL_PLANES, *(f"{CLUSTER}-worker-{index}" for index in range(2))]
# On a busy host an answer may be late, and is none the worse: leaders, which are the first to give
# up, keep their leases without the API for ten seconds.
ANSWER_SECONDS = 10
LONGEST_GAP_SECONDS = 10
CALM_SECONDS = 8
HEALTHY_SECONDS = 120
UP = ("up", "--yes", "--skip-preview", "--parallel", "32")
UP_SECONDS = 1200
SEED = int(os.environ.get("INTERRUPTIONS_SEED", "20261126"))
# How long a run needs for its preview and the CAs, and a phase on all machines.
BEGIN_SECONDS, PHASE_SECONDS = 10, 40
ACKNOWLEDGED = "the test restarts nothing"
PUBLISHED = (
    *("--namespace", "kube-system", "get", "configmap"),
    *("extension-apiserver-authentication", "--output", "json"),
)
OTHERS = ("etcdCa", "frontProxyCa", "serviceAccount")
API, MANAGER, ETCD = "kube-apiserver", "kube-controller-manager", "etcd"
# The components of every control plane that a phase restarts; those that are not here, none.
RESTARTED = {
    ("ca", PREPARE): {MANAGER},
    ("ca", FINISH): {MANAGER},
    ("etcdCa", PREPARE): {ETCD, API},
    ("etcdCa", FINISH): {ETCD, API},
    ("serviceAccount", PREPARE): {API},
    ("serviceAccount", SWITCH): {API, MANAGER},
    ("serviceAccount", FINISH): {API},
}
# Without a lease, which they may lose while their API server is restarted, they start again.
LEADERS = (MANAGER, "kube-scheduler")
# Our pods that know the cluster's CA, and have tokens: `finish` restarts them.
OURS = ("calico-node-", "coredns-", "flannel-", "kube-proxy-", "metrics-server-")


def config(network: IPv4Network) -> dict[str, Any]:
    return {
        "kubernetesVersion": "1.36.3",
        "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
        "clusters": {
            CLUSTER: {
                "machines": {"subnet": str(network)},
                "endpoint": {"vip": f"{network[100]}:8443"},
                "controlPlanes": {"count": 3},
                "workers": {"count": 2},
                "rotations": {},
            }
        },
    }


@pytest.fixture(scope="module")
def network() -> Iterator[IPv4Network]:
    with subnet(88) as found:
        yield found


@pytest.fixture(scope="module")
def fleet(network: IPv4Network) -> Iterator[PulumiStack]:
    with living(config(network)) as stack:
        yield stack


@pytest.fixture(scope="module")
def former(fleet: PulumiStack) -> Kubectl:
    """The way to the API with a kubeconfig that knows the first CA alone."""
    path = fleet.folder / "former-kubeconfig"
    path.touch(mode=0o600)
    path.write_text(fleet.output("kubeconfig"))
    return Kubectl(path)


@pytest.fixture(scope="module")
def kubectl(fleet: PulumiStack, former: Kubectl) -> Kubectl:
    """The way to the API; a service with two replicas runs in the cluster."""
    web_service.start(former)
    return access(fleet)


@pytest.fixture(scope="module")
def token(kubectl: Kubectl) -> str:
    """A token of a service account, signed by the first key."""
    return new_token(kubectl)


def new_token(kubectl: Kubectl) -> str:
    return kubectl("create", "token", "default", "--duration=3h")


def accepts(fleet: PulumiStack, token: str) -> bool:
    """Whether the API answers those who have nothing but this token."""
    kubeconfig = yaml.safe_load(fleet.output("kubeconfig"))
    kubeconfig["users"][0]["user"] = {"token": token}
    path = fleet.folder / "token-kubeconfig"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(kubeconfig))
    try:
        return "system:serviceaccount:default:default" in Kubectl(path)("auth", "whoami")
    except AssertionError:
        return False


def rotations(fleet: PulumiStack) -> dict[str, str]:
    """The phases in the config, to be changed."""
    phases: dict[str, str] = fleet.config["clusters"][CLUSTER]["rotations"]
    return phases


def progress(fleet: PulumiStack) -> list[str]:
    """What the rollout of the last run did, and after how many seconds."""
    lines = (fleet.folder / "output.log").read_text().splitlines()
    steps = (line.partition("updating (")[2] for line in lines if "cluster1-rollout" in line)
    return [f"    {step}" for step in steps if step]


@dataclass
class Load:
    """Clients at work: the failures that they saw, and how long no write was acknowledged."""

    failures: list[str] = field(default_factory=list)
    longest_gap: float = 0

    @contextmanager
    def during(self, fleet: PulumiStack, network: IPv4Network, what: str) -> Iterator[None]:
        """Have clients write to the API and query the service meanwhile."""
        with (
            HttpProbe(web_service.url(str(network[11]))) as visitor,
            WriteProbe(fleet.output("kubeconfig"), ANSWER_SECONDS) as writer,
        ):
            writer.await_calm(CALM_SECONDS, HEALTHY_SECONDS)
            began = time.monotonic()
            yield
            ended = time.monotonic()
            writer.await_calm(CALM_SECONDS, HEALTHY_SECONDS)
            seen = writer.figures(began, time.monotonic())
        print(f"\n{what}: {ended - began:.1f} s; API: {seen}; service: {visitor}")
        assert seen.lost == 0
        self.longest_gap = seen.longest_gap
        self.failures = [*seen.errors, *visitor.failures]
        if self.failures:
            print("\n".join([*self.failures, *progress(fleet)]))


def of_components(components: Iterable[str]) -> list[str]:
    """The containers of these components on all control planes, sorted."""
    return sorted(
        f"{component}-{machine}/{component}"
        for component in components
        for machine in CONTROL_PLANES
    )


def rotate(fleet: PulumiStack, network: IPv4Network, keys: Sequence[str], phase: str) -> None:
    """Take these to a phase; see that no client notices, and that only what has to restarts."""
    rotations(fleet).update(dict.fromkeys(keys, phase))
    before, load = containers.running(access(fleet)), Load()
    with load.during(fleet, network, f"{phase} of {', '.join(keys)}"):
        fleet.succeed(*UP, seconds=UP_SECONDS)
    kubectl = access(fleet)
    restarted = containers.changed(before, containers.running(kubectl))
    print(f"    restarted: {', '.join(restarted) or 'nothing'}")
    components = set().union(*(RESTARTED.get((key, phase), set()) for key in keys))
    expected = of_components(components)
    tolerated = of_components(LEADERS) if API in components else []
    ours = OURS if phase == FINISH and {"ca", "serviceAccount"} & set(keys) else ()
    others = [name for name in restarted if not name.startswith(ours)]
    assert [name for name in others if name in expected or name not in tolerated] == expected
    assert kubectl.node_names() == MACHINES
    assert not cordoned(kubectl), "no Node is drained"
    metrics.await_nodes(kubectl, set(MACHINES))
    assert metrics.is_available(kubectl)
    assert load.failures == []


def cordoned(kubectl: Kubectl) -> list[dict[str, Any]]:
    """What kubelets say of Nodes that were cordoned, as every drain begins."""
    reason = "reason=NodeNotSchedulable"
    return kubectl.items("get", "events", "--all-namespaces", "--field-selector", reason)


def refused(fleet: PulumiStack, phase: str) -> str:
    """Say why the preview refuses a phase of the CA, which is not kept in the config."""
    phases = rotations(fleet)
    before = phases["ca"]
    phases["ca"] = phase
    finished = fleet.run("preview")
    phases["ca"] = before
    assert finished.status != 0, finished.output
    return finished.output


@pytest.mark.parametrize("phase", [PREPARE, SWITCH])
def test_nobody_notices_a_new_ca(
    fleet: PulumiStack, former: Kubectl, kubectl: Kubectl, network: IPv4Network, phase: str
) -> None:
    rotate(fleet, network, ["ca"], phase)
    assert former.node_names() == MACHINES, "who knows the former CA alone"
    assert former("--namespace", "kube-system", "logs", f"{API}-{CONTROL_PLANES[1]}", "--tail=1")


def test_pods_that_may_not_know_the_new_ca_hold_the_end_back(
    fleet: PulumiStack, kubectl: Kubectl
) -> None:
    said = refused(fleet, FINISH)
    assert f"default/{web_service.NAME}-" in said
    assert "may not know it" in said
    web_service.restart(kubectl)


def test_the_former_ca_is_gone_in_the_end(
    fleet: PulumiStack, former: Kubectl, kubectl: Kubectl, network: IPv4Network
) -> None:
    rotate(fleet, network, ["ca"], FINISH)
    with pytest.raises(AssertionError, match="unknown authority"):
        former("get", "nodes")
    published = json.loads(access(fleet)(*PUBLISHED))["data"]["client-ca-file"]
    assert published.count("BEGIN CERTIFICATE") == 1
    fleet.refresh()
    assert (run := fleet.up()).changes == {}, run.output


@pytest.mark.parametrize(
    ("keys", "phase"),
    [
        *(([key], phase) for key in OTHERS for phase in (PREPARE, SWITCH)),
        # All at once, since it waits for minutes.
        (OTHERS, FINISH),
    ],
)
def test_nobody_notices_another_ca_or_key(
    fleet: PulumiStack, token: str, network: IPv4Network, keys: Sequence[str], phase: str
) -> None:
    if phase == FINISH:
        # Else it would have to wait for an hour.
        rotations(fleet)["acknowledge"] = ACKNOWLEDGED
    rotate(fleet, network, keys, phase)
    assert accepts(fleet, token) == (phase != FINISH)
    assert accepts(fleet, new_token(access(fleet)))
    assert (run := fleet.up()).changes == {}, run.output


@pytest.mark.parametrize("phase", PHASES)
def test_a_killed_phase_is_resumed(
    fleet: PulumiStack, kubectl: Kubectl, network: IPv4Network, phase: str
) -> None:
    rotations(fleet).update(dict.fromkeys(("ca", *OTHERS), phase), acknowledge=ACKNOWLEDGED)
    chance = random.Random(f"{SEED} {phase}")
    load = Load()
    with load.during(fleet, network, f"{phase} of everything, killed twice"):
        kill_after(fleet, UP, "", chance.uniform(0, BEGIN_SECONDS))
        kill_after(fleet, UP, TRUST.doing, chance.uniform(0, PHASE_SECONDS))
        fleet.succeed(*UP, seconds=UP_SECONDS)
    assert access(fleet).node_names() == MACHINES
    fleet.refresh()
    assert (run := fleet.up()).changes == {}, run.output
    assert (load.failures, load.longest_gap <= LONGEST_GAP_SECONDS) == ([], True)
