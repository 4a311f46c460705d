"""What is strict by default in every component, what weakens it, and limits of namespaces."""

from typing import Any

import pytest
import yaml

from model.load import load
from model.quantities import value_of
from model.render import image_policy, kubeadm, namespaces
from model.security_exceptions import exceptions
from tests.model.examples import CONTAINER, POLICED, changed, cluster
from tests.model.refusals import Case, check_refused

ONE = "clusters/cluster1"
NAMESPACES = "security/namespaces"
UNENFORCED = (f"{ONE}/networking", {"networkPolicy": "none"})
IMAGES = "security/images/registries"
COMPONENTS = ("apiServer", "controllerManager", "scheduler")


def documents(*changes: tuple[str, Any]) -> tuple[Any, Any]:
    """Return the ClusterConfiguration and the KubeletConfiguration."""
    first, second, _ = yaml.safe_load_all(kubeadm.cluster_documents(cluster(CONTAINER, *changes)))
    return first, second


def flags(component: Any) -> dict[str, str]:
    return {each["name"]: each["value"] for each in component["extraArgs"]}


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_all_components_have_the_same_tls(version: str) -> None:
    name = f"VersionTLS{version.replace('.', '')}"
    control, kubelet = documents(("security/tls", {"minVersion": name}))
    listed = kubelet.get("tlsCipherSuites")
    assert kubelet["tlsMinVersion"] == name
    for component in COMPONENTS:
        assert flags(control[component])["tls-min-version"] == name
        suites = flags(control[component]).get("tls-cipher-suites")
        assert suites == (",".join(listed) if listed else None)
    etcd = flags(control["etcd"]["local"])
    assert etcd["tls-min-version"] == f"TLS{version}"
    # etcd does not start with a list of them beside TLS 1.3.
    assert ("cipher-suites" in etcd) == (listed is not None) == (version == "1.2")
    if listed:
        assert all("_ECDHE_" in each and ("GCM" in each or "CHACHA20" in each) for each in listed)


def test_an_etcd_of_the_config_s_own_version_of_tls_has_no_list() -> None:
    control, _ = documents(("etcd", {"extraArgs": {"tls-min-version": "TLS1.3"}}))
    etcd = flags(control["etcd"]["local"])
    assert (etcd["tls-min-version"], "cipher-suites" in etcd) == ("TLS1.3", False)


def test_flags_and_fields_of_the_config_come_first() -> None:
    control, kubelet = documents(
        ("apiServer", {"extraArgs": {"profiling": "true"}}),
        ("scheduler", {"extraArgs": {"profiling": "true"}}),
        ("kubelet", {"podPidsLimit": 100, "seccompDefault": False}),
    )
    assert flags(control["apiServer"])["profiling"] == "true"
    assert flags(control["scheduler"])["profiling"] == "true"
    assert flags(control["controllerManager"])["profiling"] == "false"
    assert (kubelet["podPidsLimit"], kubelet["seccompDefault"]) == (100, False)
    assert kubelet["protectKernelDefaults"] is True


WEAK: list[tuple[str, str, Any]] = [
    *((f"{each}.extraArgs", "profiling", "TRUE") for each in COMPONENTS),
    *((f"{each}.extraArgs", "tls-min-version", "VersionTLS10") for each in COMPONENTS),
    ("apiServer.extraArgs", "tls-cipher-suites", "TLS_AES_128_GCM_SHA256,TLS_RSA_WITH_RC4_128_SHA"),
    ("etcd.extraArgs", "cipher-suites", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
    ("scheduler.extraArgs", "bind-address", "0.0.0.0"),
    ("controllerManager.extraArgs", "terminated-pod-gc-threshold", "0"),
    ("apiServer.extraArgs", "service-account-extend-token-expiration", "true"),
    ("apiServer.extraArgs", "service-account-lookup", "false"),
    ("apiServer.extraArgs", "token-auth-file", "/etc/kubernetes/tokens"),
    ("apiServer.extraArgs", "disable-admission-plugins", "PodSecurity"),
    ("apiServer.extraArgs", "enable-admission-plugins", "NodeRestriction,AlwaysAdmit"),
    ("kubelet", "readOnlyPort", 10255),
    ("kubelet", "seccompDefault", False),
    ("kubelet", "podPidsLimit", -1),
    ("kubelet", "protectKernelDefaults", False),
    ("kubelet", "makeIPTablesUtilChains", False),
    ("kubelet", "podPidsLimit", 20000),
    *(
        ("kubelet", "streamingConnectionIdleTimeout", each)
        for each in ("0s", "0h0m", "100h", "61m")
    ),
    ("kubelet", "allowedUnsafeSysctls", ["kernel.msg*"]),
    ("controllerManager.extraArgs", "terminated-pod-gc-threshold", "100000"),
    ("etcd.extraArgs", "enable-pprof", "true"),
    ("etcd.extraArgs", "listen-metrics-urls", "http://127.0.0.1:2381,http://0.0.0.0:2381"),
    ("kubelet", "eventRecordQPS", 0),
    ("kubelet", "tlsMinVersion", "VersionTLS11"),
    ("kubelet", "tlsCipherSuites", ["TLS_RSA_WITH_AES_128_CBC_SHA"]),
    ("kubelet", "enableProfilingHandler", True),
    ("kubelet", "enableDebugFlagsHandler", True),
]


@pytest.mark.parametrize(("where", "name", "value"), WEAK)
def test_what_weakens_a_default_is_an_exception(where: str, name: str, value: Any) -> None:
    setting = (f"{ONE}/{where.replace('.', '/')}", {name: value})
    found = exceptions(cluster(POLICED, setting))
    assert [each.setting for each in found] == [f"{where}.{name}"]
    assert found[0].value in (str(value), str(value).lower(), ",".join(map(str, [value][0:1])), *(
        value if isinstance(value, list) else ()))  # fmt: skip
    assert exceptions(load(changed(POLICED, setting)).clusters[1]) == ()


STRICT: list[tuple[str, str, Any]] = [
    ("apiServer.extraArgs", "profiling", "false"),
    ("apiServer.extraArgs", "tls-min-version", "VersionTLS13"),
    ("apiServer.extraArgs", "disable-admission-plugins", "DefaultStorageClass"),
    ("scheduler.extraArgs", "bind-address", "127.0.0.1"),
    ("etcd.extraArgs", "tls-min-version", "TLS1.3"),
    ("kubelet", "readOnlyPort", 0),
    ("kubelet", "podPidsLimit", 16384),
    *(("kubelet", "streamingConnectionIdleTimeout", each) for each in ("10m", "1h", "59m60s")),
    ("controllerManager.extraArgs", "terminated-pod-gc-threshold", "2000"),
    ("etcd.extraArgs", "listen-metrics-urls", "http://127.0.0.1:2381,http://[::1]:2381"),
    ("kubelet", "tlsCipherSuites", ["TLS_AES_128_GCM_SHA256"]),
]


@pytest.mark.parametrize(("where", "name", "value"), STRICT)
def test_what_is_as_strict_is_none(where: str, name: str, value: Any) -> None:
    setting = (f"{ONE}/{where.replace('.', '/')}", {name: value})
    assert exceptions(cluster(POLICED, setting)) == ()


def test_a_kubelet_of_a_single_pool_counts() -> None:
    pools = {"fast": {"count": 1, "kubelet": {"seccompDefault": False}}, "slow": {"count": 1}}
    weak = cluster(POLICED, (f"{ONE}/workers", {"pools": pools}))
    (found,) = exceptions(weak)
    assert (found.setting, found.value) == ("kubelet.seccompDefault", "false")


def test_a_namespace_has_its_quota_and_its_limits() -> None:
    named = {
        "team-b": {},
        "team-a": {
            "quota": {"pods": 20, "requests.memory": "8Gi", "count/jobs.batch": "5"},
            "limits": {"default": {"memory": "256Mi"}, "max": {"memory": "1Gi", "cpu": 2}},
        },
    }
    text = namespaces.namespaces(cluster(CONTAINER, (NAMESPACES, named)))
    a, quota, limits, b = yaml.safe_load_all(text)
    assert [a["metadata"]["name"], b["metadata"]["name"]] == ["team-a", "team-b"]
    assert a["metadata"]["annotations"] == {"kubeadm-fleet/keep": "true"}
    assert quota["metadata"]["namespace"] == limits["metadata"]["namespace"] == "team-a"
    assert "annotations" not in quota["metadata"]
    assert quota["spec"]["hard"] == {
        "count/jobs.batch": "5",
        "pods": "20",
        "requests.memory": "8Gi",
    }
    assert limits["spec"]["limits"] == [
        {"type": "Container", "default": {"memory": "256Mi"}, "max": {"cpu": "2", "memory": "1Gi"}}
    ]
    assert namespaces.namespaces(cluster(CONTAINER)) == ""


def test_a_namespace_may_deny_everything_but_dns() -> None:
    named = {"a": {"defaultDeny": True}, "b": {"defaultDeny": False}}
    text = namespaces.namespaces(cluster(POLICED, (NAMESPACES, named)))
    _, policy, b = yaml.safe_load_all(text)
    assert (policy["apiVersion"], policy["kind"]) == ("networking.k8s.io/v1", "NetworkPolicy")
    assert policy["metadata"]["namespace"] == "a"
    spec = policy["spec"]
    assert (spec["podSelector"], spec["policyTypes"]) == ({}, ["Ingress", "Egress"])
    assert "ingress" not in spec
    ((rule),) = spec["egress"]
    assert {(port["protocol"], port["port"]) for port in rule["ports"]} == {
        ("UDP", 53),
        ("TCP", 53),
    }
    assert b["kind"] == "Namespace"


def test_a_cluster_s_namespace_replaces_that_of_the_fleet() -> None:
    text = namespaces.namespaces(
        cluster(
            CONTAINER,
            (NAMESPACES, {"a": {"quota": {"pods": 1, "secrets": 1}}, "b": {}}),
            (f"{ONE}/{NAMESPACES}", {"a": {"quota": {"pods": 2}}}),
        )
    )
    assert [each["spec"]["hard"] for each in yaml.safe_load_all(text) if "spec" in each] == [
        {"pods": "2"}
    ]


CASES: dict[str, Case] = {
    "a namespace of Kubernetes": (
        [(f"{NAMESPACES}", {"kube-system": {}})],
        "security.namespaces.kube-system", "a namespace of Kubernetes",
    ),
    "a namespace that is none": (
        [(NAMESPACES, {"Team": {}})], "security.namespaces.Team", "not the name of a namespace",
    ),
    "an unknown resource": (
        [(f"{NAMESPACES}/a/quota", {"memroy": "1Gi"})],
        "security.namespaces.a.quota.memroy", "unknown resource",
    ),
    "half a pod": (
        [(f"{NAMESPACES}/a/quota", {"pods": "500m"})],
        "security.namespaces.a.quota.pods", "not a whole number",
    ),
    "an amount that is none": (
        [(f"{NAMESPACES}/a/quota", {"requests.memory": "8 GB"})],
        "security.namespaces.a.quota[\"requests.memory\"]", "not a quantity",
    ),
    "a negative amount": (
        [(f"{NAMESPACES}/a/limits/max", {"cpu": -1})],
        "security.namespaces.a.limits.max.cpu", "not a quantity",
    ),
    "a default above the most": (
        [(f"{NAMESPACES}/a/limits", {"default": {"memory": "1Gi"}, "max": {"memory": "512Mi"}})],
        "security.namespaces.a.limits.default.memory", "more than max has, 512Mi",
    ),
    "a request above its limit": (
        [(f"{NAMESPACES}/a/limits", {"defaultRequest": {"cpu": 1}, "default": {"cpu": "999m"}})],
        "security.namespaces.a.limits.defaultRequest.cpu", "more than default has, 999m",
    ),
    "a default policy that nothing would enforce": (
        [(f"{ONE}/{NAMESPACES}", {"a": {"defaultDeny": True}}), UNENFORCED],
        f"{ONE.replace('/', '.')}.security.namespaces.a.defaultDeny",
        "nothing enforces policies in cluster1",
    ),
    "no registry": ([(IMAGES, [])], "security.images.registries", "no pod could start"),
    "a registry with a scheme": (
        [(IMAGES, ["https://quay.io"])], "security.images.registries[0]", "not a registry",
    ),
    "a registry that would be a path of docker.io": (
        [(IMAGES, ["team"])], "security.images.registries[0]", "not a registry",
    ),
    "a registry with a tag": (
        [(IMAGES, ["quay.io/team/app:v1"])], "security.images.registries[0]", "not a registry",
    ),
    "a registry with a quote": (
        [(IMAGES, ['quay.io/"||true||"'])], "security.images.registries[0]", "not a registry",
    ),
    "an unknown version of TLS": (
        [("security/tls/minVersion", "VersionTLS11")],
        "security.tls.minVersion", "unknown version of TLS",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_an_api_would_refuse_is_refused_before(case: Case) -> None:
    check_refused(CONTAINER, case)


@pytest.mark.parametrize(
    "registry",
    ["quay.io", "localhost", "localhost:5000", "r:5000/a/b-c", "10.0.0.1", "docker.io/x"],
)
def test_registries_that_are_some(registry: str) -> None:
    assert cluster(CONTAINER, (IMAGES, [registry])).security.registries == (registry,)


def test_a_cluster_may_lift_the_fleet_s_restriction() -> None:
    lifted = cluster(CONTAINER, (IMAGES, ["quay.io"]), (f"{ONE}/{IMAGES}", None))
    assert image_policy.image_policy(lifted) == ""
    assert image_policy.image_policy(cluster(CONTAINER)) == ""


@pytest.mark.parametrize(
    ("network", "engine", "networks"),
    [
        ("flannel", "none", ["kube-flannel"]),
        ("flannel", "calico", ["kube-flannel", "calico-system"]),
        ("calico", "calico", ["calico-system"]),
    ],
)
def test_pods_of_the_cluster_itself_are_exempt_from_the_policy(
    network: str, engine: str, networks: list[str]
) -> None:
    chosen = (
        (f"{ONE}/network", network),
        (f"{ONE}/networking", {"networkPolicy": engine}),
    )
    text = image_policy.image_policy(cluster(CONTAINER, (IMAGES, ["quay.io"]), *chosen))
    policy, binding = yaml.safe_load_all(text)
    (selector,) = policy["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"]
    assert selector["values"] == ["kube-system", *networks]
    assert binding["spec"]["validationActions"] == ["Deny"]


@pytest.mark.parametrize(
    ("one", "other"),
    [("1", "1000m"), ("1Gi", "1024Mi"), ("1k", "1000"), ("0.5", "500m"), ("1Ei", "1024Pi")],
)
def test_quantities_are_compared_by_value(one: str, other: str) -> None:
    assert value_of(one) == value_of(other)
