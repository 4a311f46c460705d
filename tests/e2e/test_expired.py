"""A cluster that was off until all its certificates had expired: one `up` repairs it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from scripts.bench.subnet import subnet
from tests.e2e.expiry import expire_cluster, issued, kubelet_certificate
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.pulumi_stack import PulumiStack
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(600)]

PLANE, WORKER = "cluster1-control-plane-0", "cluster1-worker-0"
# The longest time between the start of a kubelet and its own certificate.
REQUESTED_SECONDS = 120


@pytest.fixture(scope="module")
def fleet() -> Iterator[PulumiStack]:
    with subnet(86) as network:
        config = {
            "kubernetesVersion": "1.36.3",
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            "clusters": {
                "cluster1": {
                    "machines": {"subnet": str(network)},
                    "controlPlanes": {"count": 1},
                    "workers": {"count": 1},
                }
            },
        }
        with living(config) as stack:
            yield stack


@pytest.fixture(scope="module")
def kubectl(fleet: PulumiStack) -> Kubectl:
    return access(fleet)


def test_an_expired_cluster_is_repaired_by_one_up(fleet: PulumiStack, kubectl: Kubectl) -> None:
    began = datetime.now(UTC)
    expire_cluster(fleet, [PLANE], [WORKER])

    assert (
        f"{PLANE}: repaired because the API server does not run" in fleet.succeed("preview").output
    )
    fleet.up()

    assert kubectl.node_names() == [PLANE, WORKER]
    await_true(
        lambda: all(issued(kubelet_certificate(fleet, name)) > began for name in (PLANE, WORKER)),
        "each kubelet to have a certificate of its own",
        REQUESTED_SECONDS,
    )
    assert (run := fleet.preview()).changes == {}, run.output
