"""Proxies and mirrors of a cluster's machines."""

import pytest

from model.load import load
from model.outbound import Mirror, Outbound
from tests.model.examples import CONTAINER, changed, cluster, mirror_sums
from tests.model.refusals import Case, check_refused

PROXY = "http://proxy.example.com:3128"
OTHER = "http://other.example.com:8080"
MIRROR = "https://mirror.example.com"
ONE = "clusters/cluster1"
NEAR = "localhost,127.0.0.0/8,10.244.0.0/16,10.96.0.0/12,.svc,.cluster.local"


def test_without_a_proxy_no_variables_are_set() -> None:
    outbound = cluster(CONTAINER).outbound
    assert outbound.environment == ""
    assert outbound.mirrors == {}


def test_pods_and_services_are_reached_without_the_proxy() -> None:
    described = cluster(CONTAINER, ("proxy", {"https": PROXY, "noProxy": ["10.0.0.0/8", ".svc"]}))
    assert described.outbound.environment == f"https_proxy={PROXY}\nno_proxy={NEAR},10.0.0.0/8\n"


def test_no_proxy_contains_the_networks_of_the_cluster() -> None:
    networking = {"podSubnet": "10.32.0.0/16", "dnsDomain": "tokyo.example.com"}
    described = cluster(
        CONTAINER, ("proxy", {"http": PROXY}), (f"{ONE}/networking", networking)
    ).outbound.no_proxy
    assert {"10.32.0.0/16", ".tokyo.example.com"} <= set(described)
    assert "10.244.0.0/16" not in described


def test_a_cluster_proxy_replaces_the_fleet_proxy() -> None:
    config = changed(CONTAINER, ("proxy", {"http": PROXY, "https": PROXY}))
    first, second = load(changed(config, (f"{ONE}/proxy", {"https": OTHER}))).clusters
    assert (first.outbound.http, first.outbound.https) == (None, OTHER)
    assert (second.outbound.http, second.outbound.https) == (PROXY, PROXY)
    first, second = load(changed(config, (f"{ONE}/proxy", {}))).clusters
    assert first.outbound.environment == ""


def test_cluster_mirrors_are_merged_over_fleet_mirrors() -> None:
    first, second = load(
        changed(
            CONTAINER,
            (
                "registryMirrors",
                {"docker.io": {"url": f"{MIRROR}/docker"}, "quay.io": {"url": MIRROR}},
            ),
            (f"{ONE}/registryMirrors", {"quay.io": {"url": "http://10.0.0.1:5000/"}}),
        )
    ).clusters
    assert first.outbound.mirrors == {
        "docker.io": Mirror(f"{MIRROR}/docker"),
        "quay.io": Mirror("http://10.0.0.1:5000"),
    }
    assert second.outbound == Outbound(
        no_proxy=second.outbound.no_proxy,
        mirrors={"docker.io": Mirror(f"{MIRROR}/docker"), "quay.io": Mirror(MIRROR)},
    )


SUMS = mirror_sums(MIRROR)
CASES: dict[str, Case] = {
    "a mirror that vouches for itself": (
        [("artifacts", {"source": "upstream", "mirror": MIRROR})], "artifacts.mirror",
        "has no checksum of dl.k8s.io/release/v1.36.3/bin/linux/amd64/kubeadm and 4 more files",
    ),
    "a mirror with all checksums but one": (
        [("artifacts", {"mirror": MIRROR, "sums": dict([*SUMS.items()][1:])})],
        "artifacts.mirror", "checksum of dl.k8s.io/release/v1.36.3/bin/linux/amd64/kubeadm: a",
    ),
    "a proxy without a port": (
        [("proxy", {"http": "http://proxy.example.com"})], "proxy.http", "not the URL of a proxy",
    ),
    "a proxy with a path": (
        [("proxy", {"https": f"{PROXY}/a"})], "proxy.https", "not the URL of a proxy",
    ),
    "a proxy with a port that is none": (
        [("proxy", {"http": "http://a.example.com:99999"})], "proxy.http", "out of range",
    ),
    "a proxy with a password": (
        [("proxy", {"http": "http://me:secret@proxy.example.com:3128"})],
        "proxy.http", "not the URL of a proxy",
    ),
    "an exception with a blank": (
        [("proxy", {"http": PROXY, "noProxy": ["a, b"]})], "proxy.noProxy[0]", "not a host",
    ),
    "exceptions from no proxy": (
        [("proxy", {"noProxy": [".example.com"]})], "proxy.noProxy", "noProxy without a proxy",
    ),
    "exceptions from no proxy of a cluster": (
        [("proxy", {"http": PROXY}), (f"{ONE}/proxy", {"noProxy": [".example.com"]})],
        "clusters.cluster1.proxy.noProxy", "noProxy without a proxy",
    ),
    "a mirror that is no URL": (
        [("registryMirrors", {"docker.io": {"url": "mirror.example.com"}})],
        'registryMirrors["docker.io"].url', "not a base URL",
    ),
    "a CA that is no certificate": (
        [("registryMirrors", {"docker.io": {"url": MIRROR, "ca": "ca.pem"}})],
        'registryMirrors["docker.io"].ca', "more in it than certificates",
    ),
    "credentials in plain text": (
        [("registryMirrors", {"quay.io": {"url": "http://10.0.0.1", "credentials": "login"}})],
        'registryMirrors["quay.io"].credentials', "sent in plain text",
    ),
    "a mirror that is not verified": (
        [("registryMirrors", {"docker.io": {"url": MIRROR, "skipVerify": True}})],
        'registryMirrors["docker.io"].skipVerify', "unknown key",
    ),
    "a registry with a path": (
        [("registryMirrors", {"docker.io/library": {"url": MIRROR}})],
        'registryMirrors["docker.io/library"]', "not a registry",
    ),
    "two mirrors of a registry": (
        [
            ("artifacts", {"source": "upstream", "mirror": MIRROR, "sums": SUMS}),
            ("registryMirrors", {"registry.k8s.io": {"url": MIRROR}}),
        ],
        'registryMirrors["registry.k8s.io"]', "artifacts.mirror already replaces registry.k8s.io",
    ),
    "two mirrors of a cluster's registry": (
        [
            ("artifacts", {"source": "upstream", "mirror": MIRROR, "sums": SUMS}),
            (f"{ONE}/registryMirrors", {"ghcr.io": {"url": MIRROR}}),
        ],
        'clusters.cluster1.registryMirrors["ghcr.io"]', "artifacts.mirror already replaces ghcr.io",
    ),
    "two mirrors of a policy engine's registry": (
        [
            ("artifacts", {"source": "upstream", "mirror": MIRROR, "sums": SUMS}),
            (f"{ONE}/registryMirrors", {"quay.io": {"url": MIRROR}}),
            (f"{ONE}/networking", {"networkPolicy": "calico"}),
        ],
        'clusters.cluster1.registryMirrors["quay.io"]', "artifacts.mirror already replaces quay.io",
    ),
    "a policy engine of another name": (
        [(f"{ONE}/networking", {"networkPolicy": "Calico"})],
        "clusters.cluster1.networking.networkPolicy", "unknown policy engine",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_invalid_setting_is_rejected(case: Case) -> None:
    check_refused(CONTAINER, case)
