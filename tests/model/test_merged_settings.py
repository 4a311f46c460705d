"""The settings in force for a cluster: which value, and where it comes from."""

from typing import Any

import pytest

from model.config.errors import Path
from model.load import resolve
from tests.model.examples import ABSENT, CONTAINER, EXISTING, HOST_KEY, SETTINGS, changed
from tests.model.refusals import Case, check_refused, problems

ONE = "clusters/cluster1"
BASTION = {"host": "bastion.osaka.example.com", "user": "jump", "hostKey": HOST_KEY}
PROXY = "http://proxy.example.com:3128"
# What is changed; the setting; its value; the config path that it comes from.
Origin = tuple[dict[str, Any], list[tuple[str, Any]], str, Any, str | None]


def explained(config: dict[str, Any]) -> dict[str, tuple[Any, str | None]]:
    """Return the value and the origin of each setting of the first cluster."""
    return {
        dotted(setting.path): (setting.value, dotted(setting.origin) if setting.origin else None)
        for setting in resolve(config)[0].explain()
    }


def dotted(path: Path) -> str:
    return ".".join(map(str, path))


CASES: dict[str, Origin] = {
    "the cluster's over the fleet's": (
        SETTINGS, [], "kubelet.maxPods", 50, "clusters.cluster1.kubelet.maxPods",
    ),
    "the fleet's in a mapping that the cluster sets as well": (
        SETTINGS, [], "kubelet.evictionHard.nodefs.available", "2Gi",
        "kubelet.evictionHard.nodefs.available",
    ),
    "the fleet's": (SETTINGS, [], "upgrades.maxUnavailable", "25%", "upgrades.maxUnavailable"),
    "one that only the fleet has": (SETTINGS, [], "upgrades.soak", "10m", "upgrades.soak"),
    "a default": (CONTAINER, [], "upgrades.drainTimeout", 120, None),
    "a default that only some clusters have": (
        CONTAINER, [], "controlPlanes.taints",
        ["node-role.kubernetes.io/control-plane:NoSchedule"], None,
    ),
    "the size of a machine": (CONTAINER, [], "workers.memory", "2Gi", "machines.memory"),
    "the size of a cluster's machines": (
        CONTAINER, [(f"{ONE}/machines/memory", "3Gi")], "workers.memory", "3Gi",
        "clusters.cluster1.machines.memory",
    ),
    "the size of a role's machines": (
        CONTAINER, [(f"{ONE}/workers/memory", "4Gi")], "workers.memory", "4Gi",
        "clusters.cluster1.workers.memory",
    ),
    "lists are replaced": (
        SETTINGS, [], "apiServer.certSANs",
        ["api.tokyo.example.com", "192.168.1.10", "10.89.1.11"],
        "clusters.cluster1.apiServer.certSANs",
    ),
    "one key of ssh": (
        EXISTING, [(f"{ONE}/machines/ssh/port", 2022)], "machines.ssh.user", "ubuntu",
        "machines.ssh.user",
    ),
    "the port of a host": (
        EXISTING, [("machines/ssh/port", 2022)], "workers.hosts.rack1-a.port", 2022,
        "machines.ssh.port",
    ),
    "the port of a host by default": (EXISTING, [], "workers.hosts.rack1-a.port", 22, None),
    "a port of the host's own": (
        EXISTING, [("machines/ssh/port", 2022)], "controlPlanes.hosts.cp-b.port", 2222,
        "clusters.cluster1.controlPlanes.hosts.cp-b.port",
    ),
    "a default of a host": (EXISTING, [], "workers.hosts.rack1-a.nodeAddress", None, None),
    "a bastion is replaced entirely": (
        EXISTING,
        [("machines/ssh/bastion/port", 2022), (f"{ONE}/machines/ssh/bastion", BASTION)],
        "machines.ssh.bastion.port", 22, None,
    ),
    "no bastion, although the fleet has one": (
        EXISTING, [(f"{ONE}/machines/ssh/bastion", None)], "machines.ssh.bastion", None,
        "clusters.cluster1.machines.ssh.bastion",
    ),
    "a proxy is replaced entirely": (
        CONTAINER,
        [("proxy", {"https": PROXY, "noProxy": [".a"]}), (f"{ONE}/proxy", {"http": PROXY})],
        "proxy.noProxy", [], None,
    ),
    "no proxy, although the fleet has one": (
        CONTAINER, [("proxy", {"https": PROXY}), (f"{ONE}/proxy", {})], "proxy.https", None, None,
    ),
    "a key without a value is not set": (
        CONTAINER, [("protect", True), (f"{ONE}/protect", None)], "protect", True, "protect",
    ),
    "an object without a value is not set": (
        EXISTING, [(f"{ONE}/machines/ssh", None)], "machines.ssh.user", "ubuntu",
        "machines.ssh.user",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_value_and_origin(case: Origin) -> None:
    config, changes, setting, value, origin = case
    assert explained(changed(config, *changes))[setting] == (value, origin)


@pytest.mark.parametrize("config", [CONTAINER, EXISTING, SETTINGS])
def test_every_value_stands_at_its_origin(config: dict[str, Any]) -> None:
    for cluster in resolve(config):
        for setting in cluster.explain():
            if setting.origin is None:
                paths = cluster.paths_of(*setting.path)
                assert all(_written(config, path) is ABSENT for path in paths)
            else:
                written = _written(config, setting.origin)
                assert setting.value == written or str(setting.value) in (written, f"v{written}")


def _written(config: Any, path: Path) -> Any:
    """Return what stands at a path of the config."""
    for key in path:
        if isinstance(config, dict) and key not in config:
            return ABSENT
        config = config[key]
    return config


@pytest.mark.parametrize(
    ("config", "absent"),
    [(CONTAINER, ["machines.ssh.user", "workers.hosts"]),
     (EXISTING, ["machines.subnet", "machines.memory", "workers.cpus", "workers.count"])],
)  # fmt: skip
def test_settings_of_other_drivers_are_not_explained(
    config: dict[str, Any], absent: list[str]
) -> None:
    assert explained(config).keys().isdisjoint(absent)


REFUSED: dict[str, Case] = {
    "sudo, where the cluster sets another key of ssh": (
        [("machines/ssh/sudo", False), (f"{ONE}/machines/ssh", {"port": 2222})],
        "machines.ssh.sudo", "ubuntu is not root",
    ),
    "a password for sudo of the fleet, where the cluster sets another key of ssh": (
        [("machines/ssh", {"sudoPassword": "sudo"}), (f"{ONE}/machines/ssh", {"port": 2222})],
        "machines.ssh.sudoPassword", "sudo is not enabled",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED.values(), ids=list(REFUSED))
def test_problem_names_the_origin_of_the_value(case: Case) -> None:
    check_refused(EXISTING, case)


def test_a_field_that_a_cluster_overrides_is_reported_in_the_cluster() -> None:
    config = changed(
        CONTAINER,
        ("kubernetesVersion", "1.35.4"),
        ("kubelet", {"memoryReservationPolicy": "None"}),
        (f"{ONE}/kubelet", {"memoryReservationPolicy": "TieredReservation"}),
    )
    assert [problem.path.removeprefix("kubeadm-fleet:fleet.") for problem in problems(config)] == [
        "clusters.cluster1.kubelet.memoryReservationPolicy",
        "kubelet.memoryReservationPolicy",
    ]
