"""Overrides: settings of the clusters that a selector matches, between the fleet's and theirs."""

from typing import Any

import pytest

from model.config.overrides import Override
from model.config.schema import ClusterConfig, FleetConfig
from model.load import load, resolve, warnings
from model.security_exceptions import exceptions
from tests.model.examples import CONTAINER, EXISTING, SETTINGS, changed
from tests.model.refusals import Case, check_refused, problems

TOKYO, OSAKA = "region=tokyo", {"region": "osaka"}
BASTION = {
    "host": "bastion.example.com", "user": "jump",
    "hostKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
}  # fmt: skip
Overrides = list[dict[str, Any]]


def labelled(*overrides: dict[str, Any], config: dict[str, Any] = CONTAINER) -> dict[str, Any]:
    """Return a config whose clusters have labels, with these overrides."""
    labels = {"region": "tokyo", "environment": "prod"}
    return changed(config, ("clusters/cluster1/labels", labels), ("overrides", list(overrides)))


def explained(config: dict[str, Any], setting: str) -> tuple[Any, str | None]:
    """Return the value and the origin of a setting of the first cluster."""
    (found,) = (
        each for each in resolve(config)[0].explain() if ".".join(map(str, each.path)) == setting
    )
    return found.value, ".".join(map(str, found.origin)) if found.origin else None


def test_an_override_has_exactly_what_a_fleet_gives_its_clusters() -> None:
    fleet, cluster = FleetConfig.model_fields, ClusterConfig.model_fields
    assert Override.model_fields.keys() - {"selector"} == fleet.keys() & cluster.keys()
    for name in Override.model_fields.keys() - {"selector"}:
        types = {str(part.model_fields[name].annotation) for part in (Override, ClusterConfig)}
        assert len(types) == 1, f"{name} of an override and of a cluster: {types}"


# The overrides; changes of the config; the setting; its value; the path that it comes from.
CASES: dict[str, tuple[Overrides, list[tuple[str, Any]], str, Any, str | None]] = {
    "over the default": (
        [{"selector": TOKYO, "protect": True}], [], "protect", True, "overrides.0.protect",
    ),
    "over the fleet's": (
        [{"selector": TOKYO, "upgrades": {"drainTimeout": 60}}],
        [("upgrades", {"drainTimeout": 30})],
        "upgrades.drainTimeout", 60, "overrides.0.upgrades.drainTimeout",
    ),
    "false over the fleet's true": (
        [{"selector": TOKYO, "protect": False}], [("protect", True)],
        "protect", False, "overrides.0.protect",
    ),
    "below the cluster's": (
        [{"selector": TOKYO, "protect": True}], [("clusters/cluster1/protect", False)],
        "protect", False, "clusters.cluster1.protect",
    ),
    "a later one over an earlier one": (
        [
            {"selector": TOKYO, "kubelet": {"maxPods": 70}},
            {"selector": "environment in (prod)", "kubelet": {"maxPods": 80}},
        ],
        [], "kubelet.maxPods", 80, "overrides.1.kubelet.maxPods",
    ),
    "what a later one does not set": (
        [
            {"selector": TOKYO, "kubelet": {"maxPods": 70}},
            {"selector": TOKYO, "kubelet": {"podPidsLimit": 99}},
        ],
        [], "kubelet.maxPods", 70, "overrides.0.kubelet.maxPods",
    ),
    "a mapping is merged through all layers": (
        [{"selector": TOKYO, "kubelet": {"evictionHard": {"memory.available": "1Gi"}}}],
        [("kubelet", {"evictionHard": {"nodefs.available": "9%"}})],
        "kubelet.evictionHard.nodefs.available", "9%", "kubelet.evictionHard.nodefs.available",
    ),
    "another cluster's": (
        [{"selector": OSAKA, "protect": True}], [], "protect", False, None,
    ),
    "one without a value": (
        [{"selector": TOKYO, "kubernetesVersion": None, "protect": True}],
        [("kubernetesVersion", "1.36.1")],
        "kubernetesVersion", "v1.36.1", "kubernetesVersion",
    ),
    "the size of machines": (
        [{"selector": TOKYO, "machines": {"memory": "5Gi"}}], [],
        "workers.memory", "5Gi", "overrides.0.machines.memory",
    ),
    "a proxy is replaced entirely": (
        [{"selector": TOKYO, "proxy": {"http": "http://a.example.com:1"}}],
        [("proxy", {"https": "http://b.example.com:1"})],
        "proxy.https", None, None,
    ),
    "no proxy": (
        [{"selector": TOKYO, "proxy": {}}], [("proxy", {"https": "http://b.example.com:1"})],
        "proxy.https", None, None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_value_and_origin(name: str) -> None:
    overrides, changes, setting, value, origin = CASES[name]
    found = explained(changed(labelled(*overrides), *changes), setting)
    assert found == (value, origin)


def test_null_means_none_where_it_does_for_a_cluster() -> None:
    config = changed(EXISTING, ("machines/ssh/bastion", BASTION))
    override = {"selector": TOKYO, "machines": {"ssh": {"bastion": None}}}
    assert explained(labelled(override, config=config), "machines.ssh.bastion") == (
        None, "overrides.0.machines.ssh.bastion",
    )  # fmt: skip


def test_the_order_of_keys_and_forms_of_a_selector_change_nothing() -> None:
    text = {"selector": "environment=prod,region=tokyo", "protect": True}
    labels = {"protect": True, "selector": {"region": "tokyo", "environment": "prod"}}
    assert load(labelled(text)) == load(labelled(labels))


def test_removing_the_overrides_is_having_had_none() -> None:
    assert load(labelled()) == load(changed(CONTAINER, ("clusters/cluster1/labels",
        {"region": "tokyo", "environment": "prod"})))  # fmt: skip


def test_waves_are_not_affected() -> None:
    canaries = ("upgrades", {"canaries": OSAKA})
    override = ("overrides", [{"selector": OSAKA, "upgrades": {"maxUnavailable": 3}}])
    before, after = (load(changed(SETTINGS, canaries, *more)) for more in ([], [override]))
    assert [[each.name for each in wave] for wave in before.waves] == [
        [each.name for each in wave] for wave in after.waves
    ]


REFUSED: dict[str, Case] = {
    "a value": (
        [("overrides", [{"selector": TOKYO, "protect": True},
                        {"selector": TOKYO, "kubelet": {"maxPods": "many"}}])],
        "overrides[1].kubelet.maxPods", "not a whole number",
    ),
    "an unknown key": (
        [("overrides", [{"selector": TOKYO, "protekt": True}])],
        "overrides[0].protekt", "did you mean protect?",
    ),
    **{
        f"{key}, which each cluster has": (
            [("overrides", [{"selector": TOKYO, "protect": True, key: {}}])],
            f"overrides[0].{key}", f"each cluster has its own, in clusters.<name>.{key}",
        )
        for key in ("labels", "networking", "network", "endpoint", "controlPlanes", "workers",
                    "rotations")
    },
    **{
        f"{key}, which only the fleet has": (
            [("overrides", [{"selector": TOKYO, "protect": True, key: {}}])],
            f"overrides[0].{key}", "it is of the whole fleet",
        )
        for key in ("clusters", "people", "artifacts", "overrides")
    },
    "waves": (
        [("overrides", [{"selector": TOKYO, "upgrades": {"canaries": OSAKA, "force": True}}])],
        "overrides[0].upgrades.canaries", "it is a key of kubeadm-fleet:fleet.upgrades",
    ),
    "no selector": ([("overrides", [{"protect": True}])], "overrides[0].selector", "missing"),
    "an empty selector": (
        [("overrides", [{"selector": "", "protect": True}])],
        "overrides[0].selector", "matches every cluster",
    ),
    "no labels": (
        [("overrides", [{"selector": {}, "protect": True}])],
        "overrides[0].selector", "matches every cluster",
    ),
    **{
        f"the selector {text!r}": (
            [("overrides", [{"selector": text, "protect": True}])],
            "overrides[0].selector", "not a label selector",
        )
        for text in ("region in tokyo", "=tokyo", "region=tokyo,", "a b", "region=to kyo",
                     "x" * 64, "region=\x1b[2J", "$(touch x)")
    },
    "a number as selector": (
        [("overrides", [{"selector": 5, "protect": True}])],
        "overrides[0].selector", "not a label selector",
    ),
    "nothing": ([("overrides", [{"selector": TOKYO}])], "overrides[0]", "sets nothing"),
    "nothing below a key": (
        [("overrides", [{"selector": TOKYO, "machines": {"ssh": {}}, "kubelet": {},
                         "protect": None}])],
        "overrides[0]", "sets nothing",
    ),
    "a mapping": ([("overrides", {"selector": TOKYO})], "overrides", "not a list"),
    "a text": ([("overrides", ["region=tokyo"])], "overrides[0]", "not a mapping"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED.values(), ids=list(REFUSED))
def test_refusals(case: Case) -> None:
    check_refused(labelled(), case)


NO_SUDO = {"ssh": {"sudo": False}}


def test_a_conflict_with_the_fleet_s_or_the_cluster_s_settings_is_where_it_is_set() -> None:
    override = {"selector": TOKYO, "machines": NO_SUDO}
    found = problems(labelled(override, config=EXISTING))
    assert [problem.path.rpartition(":fleet.")[2] for problem in found] == [
        "overrides[0].machines.ssh.sudo"
    ]
    assert "ubuntu is not root" in found[0].problem


def test_no_conflict_is_reported_that_rests_on_an_invalid_selector() -> None:
    # The placeholder of an invalid selector matches this cluster.
    override = {"selector": "environment in", "machines": NO_SUDO}
    labels = ("clusters/cluster1/labels", {"environment": "test"})
    found = problems(changed(EXISTING, labels, ("overrides", [override])))
    assert [problem.path.rpartition(":fleet.")[2] for problem in found] == ["overrides[0].selector"]


@pytest.mark.parametrize(
    ("selector", "says"),
    [
        ("region=tokio", "no cluster has labels that meet region=tokio"),
        ("region=tokyo,!environment", "no cluster has labels that meet !environment"),
        ({"tier": "db"}, "labels of clusters: region=tokyo, environment=prod"),
    ],
)
def test_an_override_that_matches_no_cluster_is_a_warning(selector: object, says: str) -> None:
    (warning,) = load(labelled({"selector": selector, "protect": True})).unmatched_overrides
    assert warning in warnings(load(labelled({"selector": selector, "protect": True})))
    assert warning.startswith("kubeadm-fleet:fleet.overrides[0].selector: ")
    assert says in warning


def test_one_that_matches_some_cluster_is_none() -> None:
    fleet = load(labelled({"selector": TOKYO, "protect": True}))
    assert not fleet.unmatched_overrides


def test_weaker_security_is_an_exception_of_the_clusters_that_it_matches() -> None:
    weaker = {"podSecurity": {"enforce": "privileged"}}
    cluster1, cluster2 = load(labelled({"selector": TOKYO, "security": weaker})).clusters
    setting = "security.podSecurity.enforce"
    assert setting in [each.setting for each in exceptions(cluster1)]
    assert setting not in [each.setting for each in exceptions(cluster2)]
