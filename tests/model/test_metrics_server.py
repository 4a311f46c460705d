"""metrics-server: where it runs, what it may do, whom it trusts, and clusters without it."""

from typing import Any

import pytest
import yaml

from model.load import load
from model.render.metrics_server import API, metrics_server
from tests.model.examples import CONTAINER, changed, cluster

ONE = "clusters/cluster1"
HA = (
    (f"{ONE}/controlPlanes/count", 3),
    (f"{ONE}/endpoint", {"vip": "10.89.1.100:8443"}),
)


def objects(*changes: tuple[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Its objects by kind and name."""
    documents = yaml.safe_load_all(metrics_server(cluster(CONTAINER, *changes)))
    return {(each["kind"], each["metadata"]["name"]): each for each in documents}


def deployment(*changes: tuple[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = objects(*changes)["Deployment", "metrics-server"]["spec"]
    return spec


def arguments(*changes: tuple[str, Any]) -> dict[str, str]:
    (container,) = deployment(*changes)["template"]["spec"]["containers"]
    pairs = (argument.removeprefix("--").partition("=") for argument in container["args"])
    return {name: value for name, _, value in pairs}


def test_every_cluster_has_it_unless_its_config_says_otherwise() -> None:
    assert cluster(CONTAINER).metrics_server
    assert "metrics-server" in cluster(CONTAINER).supplements
    first, second = load(changed(CONTAINER, (f"{ONE}/metricsServer", False))).clusters
    assert (first.metrics_server, second.metrics_server) == (False, True)
    assert "metrics-server" not in first.supplements
    assert metrics_server(first) == ""
    first, second = load(
        changed(CONTAINER, ("metricsServer", False), (f"{ONE}/metricsServer", True))
    ).clusters
    assert (first.metrics_server, second.metrics_server) == (True, False)
    selected = [{"selector": "region=tokyo", "metricsServer": False}]
    first, second = load(
        changed(CONTAINER, ("overrides", selected), (f"{ONE}/labels", {"region": "tokyo"}))
    ).clusters
    assert (first.metrics_server, second.metrics_server) == (False, True)


def test_no_certificate_is_taken_without_a_ca() -> None:
    said = arguments()
    assert "kubelet-insecure-tls" not in said
    assert said["kubelet-certificate-authority"].endswith("/serviceaccount/ca.crt")
    # Kubelets' certificates are for the address that machines know each other by.
    assert said["kubelet-preferred-address-types"] == "InternalIP"
    pod = deployment()["template"]["spec"]
    volumes = {each["name"]: each for each in pod["volumes"]}
    assert volumes["serving"] == {"name": "serving", "secret": {"secretName": API.secret}}
    (mount,) = [
        each["mountPath"] for each in pod["containers"][0]["volumeMounts"]
        if each["name"] == "serving"
    ]  # fmt: skip
    assert said["tls-cert-file"] == f"{mount}/tls.crt"
    assert said["tls-private-key-file"] == f"{mount}/tls.key"


@pytest.mark.parametrize("version", ["VersionTLS12", "VersionTLS13"])
def test_it_serves_with_the_cluster_s_tls(version: str) -> None:
    said = arguments((f"{ONE}/security/tls", {"minVersion": version}))
    assert said["tls-min-version"] == version
    assert ("tls-cipher-suites" in said) == (version == "VersionTLS12")


def test_its_pod_is_restricted() -> None:
    """As Pod Security's level has it, although the namespace is exempt.

    https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    """
    pod = deployment()["template"]["spec"]
    (container,) = pod["containers"]
    context = container["securityContext"]
    assert pod["automountServiceAccountToken"] is False
    assert not [each for each in pod["volumes"] if "hostPath" in each]
    assert "hostNetwork" not in pod
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert (context["runAsNonRoot"], context["runAsUser"]) == (True, 65534)
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert set(container["resources"]["requests"]) == {"cpu", "memory"}


def test_there_are_two_where_a_control_plane_may_fail() -> None:
    assert deployment()["replicas"] == 1
    spec = deployment(*HA)
    assert spec["replicas"] == 2
    (spread,) = spec["template"]["spec"]["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    labels = spec["template"]["metadata"]["labels"]
    budget = objects(*HA)["PodDisruptionBudget", "metrics-server"]["spec"]
    assert budget["maxUnavailable"] == 1
    for selector in (spread["labelSelector"], budget["selector"], spec["selector"]):
        assert selector["matchLabels"].items() <= labels.items()


def test_another_worker_changes_nothing() -> None:
    more = (f"{ONE}/workers/count", 9)
    assert metrics_server(cluster(CONTAINER, more)) == metrics_server(cluster(CONTAINER))


def test_it_reads_and_writes_nothing() -> None:
    rules = [
        rule
        for (kind, _), each in objects().items()
        if kind in ("ClusterRole", "Role")
        for rule in each["rules"]
    ]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list", "watch"}
    assert {resource for rule in rules for resource in rule["resources"]} == {
        *("nodes/metrics", "nodes", "pods")
    }


def test_api_servers_are_sent_to_its_service() -> None:
    service = objects()["Service", API.service]
    assert service["metadata"]["namespace"] == API.namespace
    assert [port["port"] for port in service["spec"]["ports"]] == [443]
    labels = deployment()["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert (API.name, API.host) == ("v1beta1.metrics.k8s.io", "metrics-server.kube-system.svc")


@pytest.mark.parametrize("engine", ["calico", "none"])
def test_where_policies_are_enforced_it_is_cut_off_from_the_rest(engine: str) -> None:
    found = objects((f"{ONE}/networking", {"networkPolicy": engine}))
    policy = found.get(("NetworkPolicy", "metrics-server"))
    assert (policy is not None) == (engine == "calico")
    if policy:
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        (container,) = found["Deployment", "metrics-server"]["spec"]["template"]["spec"][
            "containers"
        ]
        (port,) = container["ports"]
        ((allowed,),) = [each["ports"] for each in policy["spec"]["ingress"]]
        assert allowed["port"] == port["containerPort"]
        (out,) = policy["spec"]["egress"]
        assert {each["port"] for each in out["ports"]} == {6443, 10250}
