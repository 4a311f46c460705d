"""Sections 5.2 to 5.6: what pods may do, networks, Secrets and namespaces."""

from collections.abc import Iterable
from functools import partial

from model.cis.access_policies import nobody
from model.cis.api_server import NAME
from model.cis.cluster_facts import ClusterFacts
from model.cis.item import ClusterItem, ClusterJudge, Judgement, listed
from model.cis.pod_security import BASELINE, LEVELS, RESTRICTED, enforced

# The labels `k8s-app` of agents that enforce NetworkPolicies.
ENGINES = frozenset({"calico-node", "canal", "cilium", "kube-router", "antrea"})
LABEL = (
    "Label the namespace: pod-security.kubernetes.io/enforce={}. Of those without a label, "
    "security.podSecurity in the config decides."
)

_manual = partial(ClusterItem, automated=False)


def _enforces(level: str) -> ClusterJudge:
    """Judge that each namespace that is not Kubernetes' own enforces at least this level."""

    def judge(facts: ClusterFacts) -> Judgement:
        weaker = [
            f"{name} ({found})"
            for name, found in enforced(facts).items()
            if LEVELS.index(found) < LEVELS.index(level)
        ]
        return Judgement(not weaker, listed(weaker) or f"every namespace enforces {level}")

    return judge


def _engines(facts: ClusterFacts) -> Judgement:
    found = ENGINES & {pod.app for pod in facts.pods}
    return Judgement(bool(found), listed(found) or "no agent that enforces NetworkPolicies")


def _without_policy(facts: ClusterFacts) -> Iterable[str]:
    have = {each["metadata"]["namespace"] for each in facts.network_policies}
    return (name for name in facts.user_namespaces if name not in have)


def _secret_variables(facts: ClusterFacts) -> Iterable[str]:
    return (pod.place for pod in facts.pods if pod.secrets_in_variables)


def _without_profile(facts: ClusterFacts) -> Iterable[str]:
    spaces = frozenset(facts.user_namespaces)
    return (
        pod.place for pod in facts.pods if pod.namespace in spaces and not pod.has_seccomp_profile
    )


def _in_default(facts: ClusterFacts) -> Iterable[str]:
    for pod in facts.pods:
        if pod.namespace == "default":
            yield f"pod {pod.place}"
    for service in facts.services:
        metadata = service["metadata"]
        if metadata["namespace"] == "default" and metadata["name"] != "kubernetes":
            yield f"Service default/{metadata['name']}"


def _provenance(facts: ClusterFacts) -> Judgement:
    plugins = [
        name
        for machine in facts.control_planes
        for flags in machine.component(NAME)
        for name in flags.words("enable-admission-plugins")
    ]
    is_on = "ImagePolicyWebhook" in plugins
    return Judgement(is_on or None, "ImagePolicyWebhook is " + ("on" if is_on else "off"))


def _stores(facts: ClusterFacts) -> Judgement:
    return Judgement(None, f"{len(facts.namespaces)} namespaces may have Secrets in etcd")


def _namespaces(facts: ClusterFacts) -> Judgement:
    return Judgement(None, f"namespaces: {listed(facts.user_namespaces)}")


def _admission(number: int, what: str, level: str) -> ClusterItem:
    return _manual(f"5.2.{number}", what, LABEL.format(level), judge=_enforces(level))


ITEMS = (
    _admission(1, "Every namespace enforces a policy for pods", BASELINE),
    _admission(2, "Privileged containers are rejected", BASELINE),
    _admission(3, "Containers in the host's process namespace are rejected", BASELINE),
    _admission(4, "Containers in the host's IPC namespace are rejected", BASELINE),
    _admission(5, "Containers in the host's network are rejected", BASELINE),
    _admission(6, "Containers that may gain privileges are rejected", RESTRICTED),
    _admission(7, "Containers that run as root are rejected", RESTRICTED),
    _admission(8, "Containers with NET_RAW are rejected", RESTRICTED),
    _admission(9, "Containers with capabilities are rejected", RESTRICTED),
    _admission(10, "Windows containers in the host's process are rejected", BASELINE),
    _admission(11, "Volumes of the host's paths are rejected", BASELINE),
    _admission(12, "Containers with ports of the host are rejected", BASELINE),
    _manual(
        "5.3.1",
        "The pod network enforces NetworkPolicies",
        "In the config: networkPolicy: calico.",
        judge=_engines,
    ),
    _manual(
        "5.3.2",
        "Every namespace has a NetworkPolicy",
        "Add one to each namespace that is named; start with one that denies everything.",
        judge=nobody(_without_policy, "every namespace has one"),
    ),
    _manual(
        "5.4.1",
        "Containers get Secrets as files, not as variables",
        "In the workload's manifest: mount the Secret as a volume.",
        judge=nobody(_secret_variables, "no container has one as a variable"),
    ),
    _manual(
        "5.4.2",
        "Secrets are in a store outside of the cluster, where that is needed",
        "Decide which Secrets need one.",
        judge=_stores,
    ),
    _manual(
        "5.5.1",
        "The origin of images is verified",
        "In the config: security.images restricts registries; signatures are verified by an "
        "admission webhook of your choice.",
        judge=_provenance,
    ),
    _manual(
        "5.6.1",
        "Namespaces separate what different teams run",
        "Decide whether they do.",
        judge=_namespaces,
    ),
    _manual(
        "5.6.2",
        "Pods have the runtime's seccomp profile",
        "In the workload's manifest: seccompProfile: {type: RuntimeDefault}. The kubelet's default "
        "(4.2.14) gives it to all others.",
        judge=nobody(_without_profile, "every pod has one"),
    ),
    _manual(
        "5.6.3",
        "Pods and containers have a security context",
        LABEL.format(RESTRICTED),
        judge=_enforces(RESTRICTED),
    ),
    _manual(
        "5.6.4",
        "Nothing runs in the namespace default",
        "Move what is named to a namespace of its own.",
        judge=nobody(_in_default, "nothing"),
    ),
)
