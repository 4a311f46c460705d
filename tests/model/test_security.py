"""The security of a cluster: strict by default, with exceptions that are listed."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from model import api_server_secrets, audit_policy, encryption_keys
from model.cni.plugins import pod_network
from model.fleet import Cluster
from model.render import admission, audit, authentication, encryption, security_flags
from model.render.kubeadm import cluster_configuration
from model.security import Audit, Kms, PodSecurity, SecretsEncryption, Security
from model.security_exceptions import exceptions
from tests.model.examples import CONTAINER, POLICED, SETTINGS, cluster

ONE = "clusters/cluster1"
KEYS = [encryption_keys.generate(), encryption_keys.generate()]
PLUGIN = Kms("vault", "unix:///var/run/kms/kms.sock", 5)


def providers(settings: SecretsEncryption) -> list[Any]:
    """Return what the API server writes with, and reads with, in this order."""
    document = yaml.safe_load(encryption.configuration(settings, KEYS))
    (its,) = document["resources"]
    assert its["resources"] == ["secrets"]
    return [next(iter(provider)) for provider in its["providers"]]


def test_the_defaults_are_strict() -> None:
    its = cluster(POLICED)
    assert its.security == Security() == Security(SecretsEncryption("secretbox"))
    assert exceptions(its) == ()


def test_the_fleets_settings_hold_unless_a_cluster_has_its_own() -> None:
    own, other = (
        cluster(CONTAINER, ("security", {"podSecurity": {"enforce": "privileged"}}), *changes)
        for changes in ([(f"{ONE}/security", {"podSecurity": {"enforce": "restricted"}})], [])
    )
    assert own.security.pod_security == PodSecurity(enforce="restricted")
    assert other.security.pod_security == PodSecurity(enforce="privileged")


WEAKER: dict[str, tuple[dict[str, Any], str]] = {
    "secretsEncryption.provider": ({"secretsEncryption": {"provider": "none"}}, "none"),
    "audit.policy": (
        {
            "audit": {
                "policy": "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None}]\n"
            }
        },
        "its own",
    ),
    "audit.log": ({"audit": {"log": {"maxBackups": 1}}}, "200 MB, 30 days"),
    "podSecurity.enforce": ({"podSecurity": {"enforce": "privileged"}}, "privileged"),
    "podSecurity.audit": ({"podSecurity": {"audit": "baseline"}}, "baseline"),
    "podSecurity.warn": ({"podSecurity": {"warn": "privileged"}}, "privileged"),
    "podSecurity.exemptNamespaces": ({"podSecurity": {"exemptNamespaces": ["a", "b"]}}, "a, b"),
}


@pytest.mark.parametrize("setting", WEAKER)
def test_a_weaker_setting_is_an_exception(setting: str) -> None:
    written, value = WEAKER[setting]
    (found,) = exceptions(cluster(POLICED, (f"{ONE}/security", written)))
    assert (found.setting, found.value) == (f"security.{setting}", value)
    assert found.meaning


def test_policies_that_nothing_enforces_are_an_exception() -> None:
    (found,) = exceptions(cluster(POLICED, (f"{ONE}/networking/networkPolicy", "none")))
    assert (found.setting, found.value) == ("networking.networkPolicy", "none")
    assert exceptions(cluster(POLICED)) == ()


def test_a_stricter_setting_is_none() -> None:
    stricter = {
        "podSecurity": {"enforce": "restricted"},
        "audit": {"log": {"maxSize": 500, "maxAge": 90}},
    }
    assert exceptions(cluster(POLICED, (f"{ONE}/security", stricter))) == ()


def test_an_api_server_reads_whatever_another_one_writes_during_a_change() -> None:
    """With one plugin known before, the only thing that changes is the order."""
    secretbox, none = SecretsEncryption(), SecretsEncryption("none")
    assert providers(secretbox) == ["secretbox", "identity"]
    assert providers(none) == ["identity", "secretbox"]
    known = [replace(each, kms=PLUGIN) for each in (secretbox, none)]
    orders = [providers(each) for each in (*known, SecretsEncryption("kms", PLUGIN))]
    assert orders == [
        ["secretbox", "kms", "identity"],
        ["identity", "secretbox", "kms"],
        ["kms", "secretbox", "identity"],
    ]


def test_the_first_key_writes_and_no_name_tells_of_it() -> None:
    document = yaml.safe_load(encryption.configuration(SecretsEncryption(), KEYS))
    keys = document["resources"][0]["providers"][0]["secretbox"]["keys"]
    assert keys == KEYS
    assert encryption.writer(SecretsEncryption(), KEYS) == f"secretbox {KEYS[0]['name']}"
    assert encryption.writer(SecretsEncryption("kms", PLUGIN), KEYS) == "kms vault"
    assert encryption.writer(SecretsEncryption("none"), KEYS) == "none"
    assert KEYS[0]["name"] not in KEYS[0]["secret"]


def test_the_table_of_secret_files_has_one_line_for_each() -> None:
    table = api_server_secrets.table({"b.yaml": "two\n", "a.yaml": "one"})
    assert table == "a.yaml\tb25lCg==\nb.yaml\ttwo\n".replace("two\n", "dHdvCg==")
    assert api_server_secrets.digest(table) != api_server_secrets.digest("")


def test_our_policy_is_one_that_api_servers_start_with() -> None:
    assert audit_policy.problem(audit.policy(Audit())) == ""


def level(user: str, verb: str, resource: str = "", group: str = "", *, path: str = "") -> str:
    """Return the level at which our policy records a request, as an API server finds it."""
    groups = ["system:authenticated"]
    if user.startswith("system:node:"):
        groups.append("system:nodes")
    if user.startswith("system:serviceaccount:"):
        namespace = user.split(":")[2]
        groups += ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
    for rule in yaml.safe_load(audit.policy(Audit()))["rules"]:
        if rule.get("users") and user not in rule["users"]:
            continue
        if rule.get("userGroups") and not set(groups) & {*rule["userGroups"]}:
            continue
        if rule.get("verbs") and verb not in rule["verbs"]:
            continue
        if rule.get("nonResourceURLs") and not any(
            path == each or (each.endswith("*") and path.startswith(each[:-1]) and path)
            for each in rule["nonResourceURLs"]
        ):
            continue
        if rule.get("resources") and not any(
            its["group"] in (group, "*") and _names(its["resources"], resource)
            for its in rule["resources"]
            if not path
        ):
            continue
        return str(rule["level"])
    raise AssertionError("no rule")


def _names(known: list[str], resource: str) -> bool:
    below = resource.partition("/")[2]
    return resource in known or "*" in known or bool(below and f"*/{below}" in known)


NODE, OWN = "system:node:a", "system:serviceaccount:kube-system:node-controller"
COORDINATION = "coordination.k8s.io"


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (("ann", "get", "secrets"), "Metadata"),
        (("ann", "create", "secrets"), "Metadata"),
        ((NODE, "watch", "secrets"), "Metadata"),
        ((NODE, "create", "serviceaccounts/token"), "Metadata"),
        (("ann", "update", "configmaps"), "Metadata"),
        (("ann", "get", "pods/exec"), "Metadata"),
        (("ann", "create", "pods/exec"), "Metadata"),
        (("ann", "get", "pods/attach"), "Metadata"),
        (("ann", "create", "pods/portforward"), "Metadata"),
        (("ann", "create", "services/proxy"), "Metadata"),
        (("ann", "delete", "pods"), "Request"),
        (("ann", "create", "deployments", "apps"), "Request"),
        (("ann", "patch", "deployments/status", "apps"), "Request"),
        ((OWN, "delete", "pods"), "Request"),
        ((NODE, "delete", "pods"), "Request"),
        (("ann", "list", "pods"), "Metadata"),
        ((NODE, "list", "pods"), "Metadata"),
        (("ann", "update", "leases", COORDINATION), "Request"),
        ((NODE, "update", "leases", COORDINATION), "None"),
        (("system:kube-scheduler", "update", "leases", COORDINATION), "None"),
        (("system:apiserver", "update", "leases", COORDINATION), "None"),
        ((OWN, "update", "leases", COORDINATION), "None"),
        (("ann", "create", "events"), "None"),
        ((NODE, "patch", "nodes/status"), "None"),
        ((NODE, "get", "nodes"), "None"),
        (("ann", "get", "nodes"), "Metadata"),
        ((NODE, "create", "subjectaccessreviews", "authorization.k8s.io"), "None"),
        ((NODE, "create", "tokenreviews", "authentication.k8s.io"), "None"),
        (("ann", "create", "tokenreviews", "authentication.k8s.io"), "Metadata"),
        (("ann", "create", "selfsubjectaccessreviews", "authorization.k8s.io"), "Request"),
    ],
)
def test_requests_are_recorded_at_their_level(request_: tuple[str, ...], expected: str) -> None:
    assert level(*request_) == expected


@pytest.mark.parametrize(
    ("user", "path", "expected"),
    [
        ("system:anonymous", "/livez", "None"),
        ("system:anonymous", "/readyz", "None"),
        ("system:anonymous", "/metrics", "Metadata"),
        ("system:anonymous", "/api", "Metadata"),
        (OWN, "/apis", "None"),
        ("ann", "/apis", "Metadata"),
    ],
)
def test_paths_are_recorded_at_their_level(user: str, path: str, expected: str) -> None:
    assert level(user, "get", path=path) == expected


def pod_security(described: Cluster) -> Any:
    (plugin,) = yaml.safe_load(admission.configuration(described))["plugins"]
    return plugin["configuration"]


def test_pod_security_is_that_of_the_clusters_version() -> None:
    for version in ("1.36.3", "1.37.2"):
        defaults = pod_security(cluster(CONTAINER, ("kubernetesVersion", version)))["defaults"]
        pinned = f"v{version[:4]}"
        assert {key: defaults[key] for key in defaults if "version" in key} == {
            f"{mode}-version": pinned for mode in ("enforce", "audit", "warn")
        }


@pytest.mark.parametrize("engine", ["none", "calico"])
def test_the_namespaces_of_the_pod_network_are_exempt(engine: str) -> None:
    described = cluster(
        CONTAINER,
        (f"{ONE}/networking", {"networkPolicy": engine}),
        (f"{ONE}/security/podSecurity/exemptNamespaces", ["a", "a"]),
    )
    names = {
        document["metadata"]["name"]
        for document in yaml.safe_load_all(pod_network(described))
        if document["kind"] == "Namespace"
    }
    exempt = pod_security(described)["exemptions"]["namespaces"]
    assert {"kube-system", *names, "a"} == {*exempt}
    assert len(exempt) == len({*exempt})


def test_only_health_is_told_without_a_credential() -> None:
    document = yaml.safe_load(authentication.configuration(()))
    paths = [condition["path"] for condition in document["anonymous"]["conditions"]]
    assert (document["anonymous"]["enabled"], paths) == (True, ["/livez", "/readyz", "/healthz"])


def test_every_path_that_a_flag_names_is_mounted_as_a_directory() -> None:
    """In a file that is mounted by itself, a replacement on the host is never seen."""
    document = yaml.safe_load(cluster_configuration(cluster(SETTINGS)))["apiServer"]
    folders = [each["mountPath"] for each in document["extraVolumes"]]
    flags = security_flags.api_server(cluster(SETTINGS).security)
    paths = [value for value in flags.values() if value.startswith("/")]
    assert len(paths) == 5
    for path in paths:
        assert any(path.startswith(f"{folder}/") for folder in folders), path
    assert {each["pathType"] for each in document["extraVolumes"]} <= {
        "Directory",
        "DirectoryOrCreate",
    }
    assert "/var/run/kms" in folders
