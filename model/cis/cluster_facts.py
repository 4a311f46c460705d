"""Facts of one cluster: what its objects say that items are about. No Secret is read."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from model.api_objects import Object
from model.cis.machine_facts import MachineFacts

SYSTEM_NAMESPACES = frozenset({"kube-system", "kube-public", "kube-node-lease"})
BOOTSTRAPPING = "kubernetes.io/bootstrapping"
BUILT_IN = ("system:", "kubeadm:")


@dataclass(frozen=True)
class PodFacts:
    """What items need to know of a pod."""

    namespace: str
    name: str
    app: str
    service_account: str
    mounts_token: bool
    secrets_in_variables: bool
    has_seccomp_profile: bool

    @property
    def place(self) -> str:
        """Return its namespace and name."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class ClusterFacts:
    """The objects of a cluster, as the API sent them, and the facts of its control planes."""

    namespaces: tuple[Object, ...] = ()
    service_accounts: tuple[Object, ...] = ()
    roles: tuple[Object, ...] = ()
    cluster_roles: tuple[Object, ...] = ()
    role_bindings: tuple[Object, ...] = ()
    cluster_role_bindings: tuple[Object, ...] = ()
    network_policies: tuple[Object, ...] = ()
    services: tuple[Object, ...] = ()
    pods: tuple[PodFacts, ...] = ()
    control_planes: tuple[MachineFacts, ...] = field(default=(), repr=False)

    @property
    def user_namespaces(self) -> list[str]:
        """Return the names of the namespaces that are not Kubernetes' own."""
        names = (str(each["metadata"]["name"]) for each in self.namespaces)
        return sorted(name for name in names if name not in SYSTEM_NAMESPACES)

    def bindings(self) -> Iterator[Object]:
        """Yield the bindings that neither Kubernetes nor kubeadm made."""
        for binding in (*self.cluster_role_bindings, *self.role_bindings):
            if not is_built_in(binding):
                yield binding

    def rules(self, binding: Object) -> Iterable[Object]:
        """Return the rules of the role that is bound; none if there is no such role."""
        reference = binding["roleRef"]
        namespace = binding["metadata"].get("namespace")
        for role in self.cluster_roles if reference["kind"] == "ClusterRole" else self.roles:
            metadata = role["metadata"]
            same = reference["kind"] == "ClusterRole" or metadata.get("namespace") == namespace
            if same and metadata["name"] == reference["name"]:
                return role.get("rules") or ()
        return ()

    def granted(self, verbs: Iterable[str], group: str, *resources: str) -> list[str]:
        """Return who may do one of the verbs with one of the resources, and by which binding."""
        wanted = frozenset(verbs)
        return [
            text
            for binding in self.bindings()
            if any(_allows(rule, wanted, group, resources) for rule in self.rules(binding))
            for text in holders(binding)
        ]


def is_built_in(entry: Object) -> bool:
    """Whether Kubernetes or kubeadm made a role or a binding."""
    metadata = entry["metadata"]
    labels = metadata.get("labels") or {}
    return BOOTSTRAPPING in labels or str(metadata["name"]).startswith(BUILT_IN)


def holders(binding: Object) -> list[str]:
    """Return each subject of a binding, with the binding's name."""
    metadata = binding["metadata"]
    name = place(metadata)
    return [
        f"{subject['kind']} {place(subject)} ({name})" for subject in binding.get("subjects") or ()
    ]


def place(named: Object) -> str:
    """Return its namespace, if it has one, and its name."""
    return "/".join(filter(None, (named.get("namespace"), named["name"])))


def pod_facts(pod: Object) -> PodFacts:
    """Return what items need to know of a pod."""
    metadata, spec = pod["metadata"], pod["spec"]
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    return PodFacts(
        namespace=metadata["namespace"],
        name=metadata["name"],
        app=str((metadata.get("labels") or {}).get("k8s-app", "")),
        service_account=str(spec.get("serviceAccountName", "")),
        mounts_token=any(_is_token(volume) for volume in spec.get("volumes") or ()),
        secrets_in_variables=any(map(_has_secret_variable, containers)),
        has_seccomp_profile=_has_profile(spec) or all(map(_has_profile, containers)),
    )


def _is_token(volume: Object) -> bool:
    """Whether admission added this volume for the token of the pod's service account."""
    sources = (volume.get("projected") or {}).get("sources") or ()
    return str(volume.get("name", "")).startswith("kube-api-access-") and any(
        "serviceAccountToken" in source for source in sources
    )


def _has_secret_variable(container: Object) -> bool:
    of_keys = ((each.get("valueFrom") or {}) for each in container.get("env") or ())
    return any("secretKeyRef" in each for each in of_keys) or any(
        "secretRef" in each for each in container.get("envFrom") or ()
    )


def _has_profile(described: Object) -> bool:
    context: Mapping[str, Object] = described.get("securityContext") or {}
    profile = context.get("seccompProfile") or {}
    return profile.get("type") in ("RuntimeDefault", "Localhost")


def _allows(rule: Object, verbs: frozenset[str], group: str, resources: tuple[str, ...]) -> bool:
    """Whether a rule allows one of the verbs on one of the resources, `resource/subresource`."""
    if rule.get("resourceNames"):
        return False
    of_rule = set(rule.get("resources") or ())
    names = {*resources, *(f"*/{name.partition('/')[2]}" for name in resources if "/" in name)}
    return (
        bool({"*", *verbs} & set(rule.get("verbs") or ()))
        and bool({"*", group} & set(rule.get("apiGroups") or ()))
        and bool({"*", *names} & of_rule)
    )
