"""Security settings of a running cluster are changed: one API server after another, in any order.

Three control planes, whose Secrets are not encrypted at first. No API server ever meets a Secret
that it cannot read, and in the end etcd has all Secrets as the config says. Run with `-s` for the
figures; the tests run in order.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.bench.subnet import subnet
from tests.e2e import stored
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.machines import Machines
from tests.e2e.one_cluster import three_control_planes
from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.secret_readers import TEXT, Readers
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1500)]

PLANES = [f"cluster1-control-plane-{index}" for index in range(3)]
ENCRYPTED = b"k8s:enc:secretbox:v1:key-"
POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: Metadata, resources: [{group: "", resources: [namespaces]}]}
- {level: None}
"""
# What an idle control plane's audit log may grow by, and for how long that is measured.
MOST_PER_DAY = 50 * 10**6
IDLE_SECONDS = 180


@pytest.fixture(scope="module")
def fleet() -> Iterator[PulumiStack]:
    security = {"secretsEncryption": {"provider": "none"}}
    with (
        subnet(88) as network,
        living(three_control_planes(network, security=security)) as stack,
    ):
        yield stack


@pytest.fixture(scope="module")
def cluster(fleet: PulumiStack) -> Kubectl:
    return access(fleet)


def change(fleet: PulumiStack, **security: Any) -> Readers:
    """Change the security of the cluster under readers; a second run has nothing to do."""
    fleet.config["clusters"]["cluster1"]["security"] = security
    with Readers(fleet, PLANES) as readers:
        began = time.monotonic()
        fleet.up()
        print(f"{list(security)}: {time.monotonic() - began:.0f} s, {readers.reads} reads")
    assert readers.unreadable == []
    assert readers.reads > 3
    assert (run := fleet.preview()).changes == {}, run.output
    return readers


def test_without_encryption_a_secret_is_in_etcd_as_it_is(cluster: Kubectl) -> None:
    cluster("create", "secret", "generic", "one", f"--from-literal=text={TEXT}")
    assert TEXT.encode() in stored.secrets(cluster, PLANES[0])["default/one"]


def test_an_idle_control_plane_writes_a_small_audit_log(fleet: PulumiStack) -> None:
    machines, sizes = Machines(fleet), list[dict[str, int]]()
    until = time.monotonic() + IDLE_SECONDS
    sizes.append({plane: stored.audit_bytes(machines, plane) for plane in PLANES})
    await_true(
        lambda: time.monotonic() > until, "a while without requests", seconds=IDLE_SECONDS + 9
    )
    sizes.append({plane: stored.audit_bytes(machines, plane) for plane in PLANES})
    for plane in PLANES:
        a_day = (sizes[1][plane] - sizes[0][plane]) * 86400 / IDLE_SECONDS
        print(f"{plane}: {a_day / 10**6:.1f} MB a day")
        assert 0 < a_day < MOST_PER_DAY


def test_encryption_reaches_all_secrets(fleet: PulumiStack, cluster: Kubectl) -> None:
    change(fleet, secretsEncryption={"provider": "secretbox"})
    for plane in PLANES:
        found = stored.secrets(cluster, plane)
        assert "default/one" in found
        assert [name for name, value in found.items() if not value.startswith(ENCRYPTED)] == []


def test_another_policy_is_used_by_all_api_servers(fleet: PulumiStack, cluster: Kubectl) -> None:
    change(fleet, secretsEncryption={"provider": "secretbox"}, audit={"policy": POLICY})
    machines = Machines(fleet)
    before = {plane: len(stored.audit_events(machines, plane)) for plane in PLANES}
    cluster("create", "namespace", "recorded")
    cluster("create", "configmap", "not-recorded")
    new = [
        event for plane in PLANES for event in stored.audit_events(machines, plane)[before[plane] :]
    ]
    assert {event["objectRef"]["resource"] for event in new} == {"namespaces"}


def test_encryption_is_taken_back_from_all_secrets(fleet: PulumiStack, cluster: Kubectl) -> None:
    change(fleet, secretsEncryption={"provider": "none"})
    found = stored.secrets(cluster, PLANES[0])
    assert [name for name, value in found.items() if value.startswith(b"k8s:enc:")] == []
    assert TEXT.encode() in found["default/one"]


def test_an_edited_or_lost_file_is_repaired(fleet: PulumiStack, cluster: Kubectl) -> None:
    machines, folder = Machines(fleet), "/var/lib/kubeadm-fleet/api-server"
    machines.run(PLANES[0], f"echo '# edited' >>{folder}/admission.yaml")
    machines.run(PLANES[1], f"rm {folder}/secrets/encryption.yaml")
    fleet.refresh()
    preview = fleet.preview()
    assert f"{folder}/admission.yaml was changed" in preview.output
    assert "the secret files of its API server changed" in preview.output
    fleet.up()
    shown = f"cat {folder}/admission.yaml; stat --format '%a' {folder}/secrets/encryption.yaml"
    assert "# edited" not in machines.run(PLANES[0], shown)
    assert machines.run(PLANES[1], shown).endswith("600\n")
    assert (run := fleet.preview()).changes == {}, run.output
