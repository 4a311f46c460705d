"""Section 5.1: who may do what, as the objects of RBAC say. A person decides what is needed."""

from collections.abc import Callable, Iterable
from functools import partial

from model.cis.cluster_facts import ClusterFacts, holders, is_built_in, place
from model.cis.item import ClusterItem, ClusterJudge, Judgement, listed

PEOPLE = (
    "Of people and tools: give a narrower role, in `people` of the config or in their manifests."
)
READ = ("get", "list", "watch")
MASTERS = "system:masters"
ADMIN = "cluster-admin"
RBAC = "rbac.authorization.k8s.io"

_manual = partial(ClusterItem, automated=False)


def nobody(found: Callable[[ClusterFacts], Iterable[str]], none: str = "nobody") -> ClusterJudge:
    """Judge that there is nobody, or none, of a kind."""

    def judge(facts: ClusterFacts) -> Judgement:
        names = list(found(facts))
        return Judgement(not names, listed(names) or none)

    return judge


def _granted(verbs: Iterable[str], group: str, *resources: str) -> ClusterJudge:
    return nobody(lambda facts: facts.granted(verbs, group, *resources))


def _administrators(facts: ClusterFacts) -> Iterable[str]:
    for binding in facts.bindings():
        if binding["roleRef"]["name"] == ADMIN:
            yield from holders(binding)


def _wildcards(facts: ClusterFacts) -> Iterable[str]:
    for role in (*facts.cluster_roles, *facts.roles):
        rules = role.get("rules") or ()
        lists = (
            rule.get(key) or () for rule in rules for key in ("apiGroups", "resources", "verbs")
        )
        if not is_built_in(role) and any("*" in names for names in lists):
            yield place(role["metadata"])


def _default_accounts(facts: ClusterFacts) -> Iterable[str]:
    """Yield the pods that have a token of a service account `default`, and its bindings."""
    for pod in facts.pods:
        if pod.service_account == "default" and pod.mounts_token:
            yield f"pod {pod.place}"
    for binding in facts.bindings():
        for subject in binding.get("subjects") or ():
            if subject["kind"] == "ServiceAccount" and subject["name"] == "default":
                yield f"binding {binding['metadata']['name']}"


def _tokens(facts: ClusterFacts) -> Iterable[str]:
    return (pod.place for pod in facts.pods if pod.mounts_token)


def _masters(facts: ClusterFacts) -> Judgement:
    bound = [
        text
        for binding in facts.bindings()
        for text in holders(binding)
        if text.startswith(f"Group {MASTERS} ")
    ]
    return Judgement(False if bound else None, listed(bound) or "no binding; see the certificates")


def _escalating(facts: ClusterFacts) -> Iterable[str]:
    yield from facts.granted(("bind", "escalate"), RBAC, "roles", "clusterroles")
    yield from facts.granted(("impersonate",), "", "users", "groups", "serviceaccounts")


ITEMS = (
    _manual(
        "5.1.1",
        "cluster-admin is bound to those only who need it",
        PEOPLE,
        judge=nobody(_administrators),
    ),
    _manual(
        "5.1.2", "Those only who need it read Secrets", PEOPLE, judge=_granted(READ, "", "secrets")
    ),
    _manual(
        "5.1.3", "Roles name what they allow, without `*`", PEOPLE, judge=nobody(_wildcards, "none")
    ),
    _manual(
        "5.1.4",
        "Those only who need it create pods",
        PEOPLE,
        judge=_granted(("create",), "", "pods"),
    ),
    _manual(
        "5.1.5",
        "Nothing runs as a namespace's service account `default`",
        "Give workloads a service account of their own.",
        judge=nobody(_default_accounts, "none"),
    ),
    _manual(
        "5.1.6",
        "Pods have a token only if they need it",
        "In the workload's manifest: automountServiceAccountToken: false.",
        judge=nobody(_tokens, "none"),
    ),
    _manual(
        "5.1.7",
        f"Nobody is in {MASTERS}",
        "Issue no certificates with this group; the program issues none. kubeadm's "
        "/etc/kubernetes/super-admin.conf is not on control planes.",
        judge=_masters,
    ),
    _manual(
        "5.1.8",
        "Those only who need it bind, escalate or impersonate",
        PEOPLE,
        judge=nobody(_escalating),
    ),
    _manual(
        "5.1.9",
        "Those only who need it create PersistentVolumes",
        PEOPLE,
        judge=_granted(("create",), "", "persistentvolumes"),
    ),
    _manual(
        "5.1.10",
        "Those only who need it use the proxy of Nodes",
        PEOPLE,
        judge=_granted(("get", "create"), "", "nodes/proxy"),
    ),
    _manual(
        "5.1.11",
        "Those only who need it approve CertificateSigningRequests",
        PEOPLE,
        judge=_granted(
            ("update", "patch"), "certificates.k8s.io", "certificatesigningrequests/approval"
        ),
    ),
    _manual(
        "5.1.12",
        "Those only who need it change webhooks",
        PEOPLE,
        judge=_granted(
            ("create", "update", "patch", "delete"),
            "admissionregistration.k8s.io",
            "validatingwebhookconfigurations",
            "mutatingwebhookconfigurations",
        ),
    ),
    _manual(
        "5.1.13",
        "Those only who need it create tokens of service accounts",
        PEOPLE,
        judge=_granted(("create",), "", "serviceaccounts/token"),
    ),
)
