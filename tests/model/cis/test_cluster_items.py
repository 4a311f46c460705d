"""Every item about a cluster does not pass on a spoiled copy of a good one."""

from dataclasses import replace
from typing import Any

import pytest

from model.cis.benchmark import CLUSTER_ITEMS
from model.cis.cluster_facts import ClusterFacts, pod_facts
from model.cis.item import State
from model.cis.machine_facts import NotKnown
from tests.model.cis import good
from tests.model.cis.good import SpoilCluster

ITEMS = {item.number: item for item in CLUSTER_ITEMS}
# What no object can say: a person decides.
UNREADABLE = {"5.1.7", "5.4.2", "5.5.1", "5.6.1"}
CSR = "certificates.k8s.io"
WEBHOOKS = "admissionregistration.k8s.io"


def empty() -> ClusterFacts:
    """The cluster as if nobody but Kubernetes had made anything in it."""
    system = tuple(
        each for each in good.cluster().namespaces if each["metadata"]["name"].startswith("kube-")
    )
    return ClusterFacts(
        namespaces=(*(each for each in system if each["metadata"]["name"] == "kube-system"),),
        pods=(replace(_pod("kube-system", "engine"), app="calico-node"),),
        control_planes=(good.control_plane(),),
    )


def _pod(namespace: str = "tenant", name: str = "web", **spec: Any) -> Any:
    described = {
        "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "containers": [{"name": "c"}],
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            **spec,
        },
    }
    return pod_facts(described)


TOKEN = {
    "name": "kube-api-access-abcde",
    "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]},
}


def grant(verb: str, group: str, resource: str) -> SpoilCluster:
    """Bind a role with one rule to a user."""
    rule = {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
    role = {"metadata": {"name": "given"}, "rules": [rule]}
    reference = {"kind": "ClusterRole", "name": "given"}
    subjects = [{"kind": "User", "name": "mallory"}]
    binding = {"metadata": {"name": "given"}, "roleRef": reference, "subjects": subjects}
    return lambda facts: replace(facts, cluster_roles=(role,), cluster_role_bindings=(binding,))


def bind(name: str, kind: str = "User", subject: str = "mallory") -> SpoilCluster:
    """Bind a role of Kubernetes."""
    reference = {"kind": "ClusterRole", "name": name}
    subjects = [{"kind": kind, "name": subject}]
    binding = {"metadata": {"name": "given"}, "roleRef": reference, "subjects": subjects}
    return lambda facts: replace(facts, cluster_role_bindings=(binding,))


def pod(**spec: Any) -> SpoilCluster:
    """Add a pod of a tenant."""
    return lambda facts: replace(facts, pods=(*facts.pods, _pod(**spec)))


def namespace(name: str, level: str | None) -> SpoilCluster:
    """Add a namespace, with a level of the Pod Security Standards."""
    labels = {"pod-security.kubernetes.io/enforce": level} if level else {}
    added = {"metadata": {"name": name, "labels": labels}}
    return lambda facts: replace(facts, namespaces=(*facts.namespaces, added))


CASES: list[tuple[str, SpoilCluster]] = [
    ("5.1.1", bind("cluster-admin")),
    ("5.1.2", grant("get", "", "secrets")),
    ("5.1.2", grant("*", "", "secrets")),
    ("5.1.2", grant("list", "*", "*")),
    ("5.1.3", lambda facts: grant("*", "apps", "deployments")(facts)),
    ("5.1.3", lambda facts: grant("get", "apps", "*")(facts)),
    ("5.1.4", grant("create", "", "pods")),
    ("5.1.5", pod(serviceAccountName="default", volumes=[TOKEN])),
    ("5.1.5", bind("view", "ServiceAccount", "default")),
    ("5.1.6", pod(serviceAccountName="web", volumes=[TOKEN])),
    ("5.1.7", bind("view", "Group", "system:masters")),
    ("5.1.8", grant("escalate", "rbac.authorization.k8s.io", "clusterroles")),
    ("5.1.8", grant("bind", "rbac.authorization.k8s.io", "roles")),
    ("5.1.8", grant("impersonate", "", "users")),
    ("5.1.9", grant("create", "", "persistentvolumes")),
    ("5.1.10", grant("get", "", "nodes/proxy")),
    ("5.1.10", grant("create", "", "*/proxy")),
    ("5.1.11", grant("update", CSR, "certificatesigningrequests/approval")),
    ("5.1.12", grant("patch", WEBHOOKS, "mutatingwebhookconfigurations")),
    ("5.1.13", grant("create", "", "serviceaccounts/token")),
    *((f"5.2.{number}", namespace("tenant", "privileged")) for number in range(1, 13)),
    *((f"5.2.{number}", namespace("tenant", "baseline")) for number in (6, 7, 8, 9)),
    ("5.3.1", lambda facts: replace(facts, pods=())),
    ("5.3.2", namespace("tenant", "restricted")),
    (
        "5.4.1",
        pod(containers=[{"env": [{"valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}]}]),
    ),
    ("5.4.1", pod(initContainers=[{"envFrom": [{"secretRef": {"name": "a"}}]}])),
    ("5.6.2", lambda facts: pod(securityContext={})(namespace("tenant", None)(facts))),
    ("5.6.3", namespace("tenant", "baseline")),
    ("5.6.4", lambda facts: replace(facts, pods=(_pod("default"),))),
    (
        "5.6.4",
        lambda facts: replace(
            facts, services=({"metadata": {"namespace": "default", "name": "web"}},)
        ),
    ),
]


@pytest.mark.parametrize("number", [number for number in ITEMS if number not in UNREADABLE])
def test_an_item_passes_where_nothing_is_wrong(number: str) -> None:
    judgement = ITEMS[number].judge(empty())
    assert judgement.passed, judgement.found


@pytest.mark.parametrize(
    ("number", "spoil"), CASES, ids=[f"{place}-{case[0]}" for place, case in enumerate(CASES)]
)
def test_a_spoiled_copy_is_for_a_person_to_decide(number: str, spoil: SpoilCluster) -> None:
    item = ITEMS[number]
    judgement = item.judge(spoil(empty()))
    assert item.state(judgement) is State.MANUAL
    assert not item.automated, "the benchmark has no automated item in section 5"


def test_every_item_that_can_pass_has_a_spoiled_copy() -> None:
    assert set(ITEMS) - {number for number, _ in CASES} == UNREADABLE - {"5.1.7"}


def test_who_has_a_right_is_named_with_the_binding() -> None:
    judgement = ITEMS["5.1.2"].judge(grant("get", "", "secrets")(empty()))
    assert judgement.found == "User mallory (given)"


def test_a_right_to_named_objects_only_is_no_finding() -> None:
    facts = grant("get", "", "secrets")(empty())
    (role,) = facts.cluster_roles
    (rule,) = role["rules"]
    limited = {**role, "rules": [{**rule, "resourceNames": ["own"]}]}
    assert ITEMS["5.1.2"].judge(replace(facts, cluster_roles=(limited,))).passed


def test_a_role_of_a_namespace_is_that_of_its_binding() -> None:
    rule = {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}
    roles = tuple(
        {"metadata": {"name": "reader", "namespace": name}, "rules": rules}
        for name, rules in (("a", [rule]), ("b", []))
    )
    bindings = tuple(
        {
            "metadata": {"name": "readers", "namespace": name},
            "roleRef": {"kind": "Role", "name": "reader"},
            "subjects": [{"kind": "User", "name": "ann"}],
        }
        for name in ("a", "b")
    )
    facts = replace(empty(), roles=roles, role_bindings=bindings)
    assert ITEMS["5.1.2"].judge(facts).found == "User ann (a/readers)"


def test_without_a_control_plane_the_default_of_namespaces_is_not_known() -> None:
    with pytest.raises(NotKnown, match="no control plane"):
        ITEMS["5.2.1"].judge(replace(empty(), control_planes=()))


def test_the_recorded_cluster_can_be_judged() -> None:
    for item in CLUSTER_ITEMS:
        assert item.judge(good.cluster()).found
