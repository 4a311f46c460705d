"""Addresses that a cluster's machines must reach, and that are inside of its own networks."""

from typing import Any

import pytest

from model.load import load
from tests.model.examples import ABSENT, EXISTING, changed, mirror_sums
from tests.model.refusals import Case, check_refused

ONE = "clusters/cluster1"
AT = "clusters.cluster1"
MIRROR = "https://10.244.0.9:8443/k8s"

OUTSIDE: dict[str, Case] = {
    "a load balancer among Services": (
        [(f"{ONE}/endpoint", {"external": "10.99.99.99:6443"})],
        f"{AT}.endpoint.external", "is inside 10.96.0.0/12 (Services of cluster1)",
    ),
    "a bastion among pods": (
        [("machines/ssh/bastion/host", "10.244.0.9")],
        "machines.ssh.bastion.host", "is inside 10.244.0.0/16 (the pods of cluster1)",
    ),
    "a bastion of the cluster among pods": (
        [(f"{ONE}/machines/ssh", {"bastion": {**EXISTING["machines"]["ssh"]["bastion"],
                                              "host": "10.244.0.9"}})],
        f"{AT}.machines.ssh.bastion.host", "is inside 10.244.0.0/16 (the pods of cluster1)",
    ),
    "a proxy among pods": (
        [("proxy", {"https": "http://10.244.0.9:3128"})],
        "proxy.https", "is inside 10.244.0.0/16 (the pods of cluster1)",
    ),
    "a proxy of the cluster among Services": (
        [("proxy", {"http": "http://10.244.0.9:3128"}),
         (f"{ONE}/proxy", {"http": "http://10.96.0.9:3128"})],
        f"{AT}.proxy.http", "is inside 10.96.0.0/12 (Services of cluster1)",
    ),
    "a mirror among pods": (
        [("artifacts", {"mirror": MIRROR, "sums": mirror_sums(MIRROR)})],
        "artifacts.mirror", "is inside 10.244.0.0/16 (the pods of cluster1)",
    ),
    "a registry's mirror among Services": (
        [("registryMirrors", {"quay.io": {"url": "http://10.100.1.1"}})],
        'registryMirrors["quay.io"].url', "is inside 10.96.0.0/12 (Services of cluster1)",
    ),
    "a registry's mirror of the cluster among Services": (
        [(f"{ONE}/registryMirrors", {"quay.io": {"url": "http://10.100.1.1"}})],
        f'{AT}.registryMirrors["quay.io"].url', "is inside 10.96.0.0/12 (Services of cluster1)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OUTSIDE.values(), ids=list(OUTSIDE))
def test_what_machines_must_reach_is_outside_of_pods_and_services(case: Case) -> None:
    check_refused(EXISTING, case)


@pytest.mark.parametrize(
    "change",
    [
        (f"{ONE}/proxy", {}),
        (f"{ONE}/proxy", {"http": "http://proxy.example.com:3128"}),
        (f"{ONE}/networking/podSubnet", "10.245.0.0/16"),
        ("proxy", ABSENT),
    ],
)
def test_a_proxy_that_is_not_used_or_outside_is_accepted(change: tuple[str, Any]) -> None:
    load(changed(EXISTING, ("proxy", {"http": "http://10.244.0.9:3128"}), change))
