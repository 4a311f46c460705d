"""All problems of a config are reported in one run, without follow-up problems."""

from typing import Any

import pytest
import yaml

from model.config.errors import ConfigError
from model.load import load
from tests.model.examples import ABSENT, CONTAINER, EXISTING, HOST_KEY, changed, host_key
from tests.model.refusals import problems

ONE, TWO = "clusters/cluster1", "clusters/cluster2"
# What is right for the one cluster would be wrong for the other.
INHERITING = changed(
    CONTAINER,
    ("machines/memory", "512Mi"),
    ("machines/subnet", "10.89.2.0/24"),
    (f"{ONE}/machines/memory", "2Gi"),
    (f"{TWO}/machines/memory", "2Gi"),
    (f"{TWO}/machines/subnet", ABSENT),
)


def paths(config: object) -> list[str]:
    return sorted(problem.path.removeprefix("kubeadm-fleet:fleet.") for problem in problems(config))


def test_problems_of_all_kinds_are_reported_together() -> None:
    config = changed(
        CONTAINER,
        ("bogus", 1),
        ("kubernetesVersion", "1.30.1"),
        (f"{ONE}/controlPlanes/count", 2),
        (f"{ONE}/network", "cilium"),
        (f"{ONE}/workers/memory", "100Mi"),
        (f"{TWO}/machines/subnet", "10.89.1.0/24"),
        (f"{TWO}/labels/region", 7),
        ("clusters/not_a_label", {"machines": {"subnet": "10.89.3.0/24"}}),
    )
    assert paths(config) == [
        "bogus",
        "clusters.cluster1.controlPlanes.count",
        "clusters.cluster1.endpoint",
        "clusters.cluster1.network",
        "clusters.cluster1.workers.memory",
        "clusters.cluster2.labels.region",
        "clusters.cluster2.machines.subnet",
        "clusters.not_a_label",
        "kubernetesVersion",
    ]


def test_invalid_hosts_do_not_hide_problems_of_others() -> None:
    hosts = {
        "a": {"address": "10.20.1.11"},
        "b": {"address": "10.20.1.12", "hostKey": host_key(2)},
        "c": {"address": "10.20.1.12", "hostKey": host_key(3)},
        "d": "10.20.1.14",
        "e": {"address": "10.20.1.300", "hostKey": host_key(5), "prot": 22},
        "f": {"address": "10.20.1.16", "hostKey": host_key(6), "port": "22"},
        "not_a_label": {"address": "10.20.1.17", "hostKey": host_key(7)},
    }
    assert paths(changed(EXISTING, (f"{ONE}/workers/hosts", hosts))) == [
        "clusters.cluster1.workers.hosts.a.hostKey",
        "clusters.cluster1.workers.hosts.c.address",
        "clusters.cluster1.workers.hosts.d",
        "clusters.cluster1.workers.hosts.e.address",
        "clusters.cluster1.workers.hosts.e.prot",
        "clusters.cluster1.workers.hosts.f.port",
        "clusters.cluster1.workers.hosts.not_a_label",
    ]


@pytest.mark.parametrize(
    ("config", "change", "path"),
    [
        # The driver decides what else is required; an unknown one requires nothing.
        (EXISTING, ("machines/driver", "vm"), "machines.driver"),
        (CONTAINER, ("machines/driver", "vm"), "machines.driver"),
        # Three control planes need an endpoint: one is there, though it is not right.
        (EXISTING, (f"{ONE}/endpoint", "nowhere"), "clusters.cluster1.endpoint"),
        (EXISTING, (f"{ONE}/endpoint/external", "no"), "clusters.cluster1.endpoint.external"),
        (EXISTING, (f"{ONE}/endpoint", {"vip": "no"}), "clusters.cluster1.endpoint.vip"),
        (CONTAINER, (f"{ONE}/machines/subnet", "10.89.1"), "clusters.cluster1.machines.subnet"),
        (CONTAINER, (f"{ONE}/controlPlanes/count", "two"), "clusters.cluster1.controlPlanes.count"),
        (EXISTING, (f"{ONE}/controlPlanes", 3), "clusters.cluster1.controlPlanes"),
        (EXISTING, ("machines/ssh/sudo", "yes"), "machines.ssh.sudo"),
        (EXISTING, ("machines/ssh", "root"), "machines.ssh"),
        (CONTAINER, (f"{ONE}/networking", "10.96.0.0/12"), "clusters.cluster1.networking"),
        (CONTAINER, ("machines", []), "machines"),
        # What the cluster would inherit instead is not in force.
        (INHERITING, (f"{ONE}/machines/subnet", "10.89.1"), "clusters.cluster1.machines.subnet"),
        (INHERITING, (f"{ONE}/machines/memory", 4), "clusters.cluster1.machines.memory"),
        (
            INHERITING,
            (f"{ONE}/kubelet/tlsCurvePreferences", "29"),
            "clusters.cluster1.kubelet.tlsCurvePreferences",
        ),
    ],
)
def test_follow_up_problems_of_an_invalid_value_are_not_reported(
    config: dict[str, Any], change: tuple[str, Any], path: str
) -> None:
    assert paths(changed(config, change)) == [path]


def test_a_problem_inherited_by_every_cluster_is_reported_once() -> None:
    assert paths(changed(CONTAINER, ("machines/memory", "512Mi"))) == ["machines.memory"]


def test_numeric_yaml_keys_are_names() -> None:
    text = "{clusters: {2: {machines: {subnet: 10.89.1.0/24}}, on: {machines: {sbnet: 1}}}}"
    assert paths(yaml.safe_load(text)) == [
        "clusters.True", "clusters.True.machines.sbnet", "clusters.True.machines.subnet",
    ]  # fmt: skip


def test_each_problem_names_path_value_and_expectation() -> None:
    config = changed(
        CONTAINER,
        (f"{ONE}/networking", {"podSubnet": "10.100.0.0/16"}),
        (f"{TWO}/machines/subnet", ABSENT),
    )
    with pytest.raises(ConfigError) as raised:
        load(config)
    assert str(raised.value).splitlines() == [
        "the stack's config has 2 problems; nothing was changed:",
        "  kubeadm-fleet:fleet.clusters.cluster1.networking.serviceSubnet: "
        "overlaps 10.100.0.0/16 (the pods of cluster1)",
        "      got:      10.96.0.0/12",
        "      expected: a network that does not overlap 10.100.0.0/16",
        "      example:  serviceSubnet: 172.24.0.0/16",
        "  kubeadm-fleet:fleet.clusters.cluster2.machines.subnet: "
        "missing: container machines need their own subnet",
        "      expected: an unused IPv4 network in CIDR notation",
        "      example:  subnet: 10.89.1.0/24",
        "Fix them in Pulumi.<stack>.yaml and run the command again.",
    ]


SECRET = "hunter2-hunter2"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n-----END"


@pytest.mark.parametrize(
    ("change", "secret"),
    [
        (("password", SECRET), SECRET),
        (("machines/ssh/privateKey", KEY), "b3BlbnNzaC1rZXktdjE"),
        (("machines/ssh/privateKey", f"{SECRET} "), SECRET),
        (("machines/ssh/privatKey", KEY), "b3BlbnNzaC1rZXktdjE"),
        ((f"{ONE}/workers/hosts/rack1-a/hostKey", KEY), "b3BlbnNzaC1rZXktdjE"),
        (("machines/ssh/user", KEY), "b3BlbnNzaC1rZXktdjE"),
        (("artifacts", {"mirror": f"https://ann:{SECRET}@example.com"}), SECRET),
        (("login", {"user": "ann", "password": SECRET}), SECRET),
        (("logins", [SECRET]), SECRET),
        (("hint", "AKIAIOSFODNN7EXAMPLEwJalrXUtnFEMIK7MDENG"), "wJalrXUtnFEMI"),
        (("hint", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c"), "9f86d08"),
    ],
)
def test_values_that_look_like_secrets_are_never_printed(
    change: tuple[str, Any], secret: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        load(changed(EXISTING, change))
    assert secret not in str(raised.value)
    assert secret not in repr(raised.value.problems)


def test_long_values_are_truncated_but_names_and_public_keys_are_shown() -> None:
    name, key = "tokyo-" + "x" * 60, HOST_KEY[:-8]
    config = changed(
        EXISTING,
        (f"{ONE}/workers/hosts/rack1-a/hostKey", key),
        ("kubernetesVersion", "x " * 400),
        (f"clusters/{name}", EXISTING["clusters"]["cluster1"]),
    )
    root = "kubeadm-fleet:fleet"
    shown = {problem.path: problem.value for problem in problems(config)}
    assert shown[f"{root}.{ONE.replace('/', '.')}.workers.hosts.rack1-a.hostKey"] == key
    assert shown[f"{root}.clusters.{name}"] == name
    assert len(str(shown[f"{root}.kubernetesVersion"])) < 120
