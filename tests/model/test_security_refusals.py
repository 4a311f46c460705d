"""Security settings, files and volumes that are refused before anything is changed."""

from typing import Any

import pytest

from model import audit_policy, audit_webhook
from tests.model.examples import CONTAINER
from tests.model.refusals import Case, check_refused

ONE = "clusters/cluster1"
ENCRYPTION = f"{ONE}/security/secretsEncryption"
PLUGIN = {"name": "vault", "endpoint": "unix:///var/run/kms/kms.sock"}
VOLUME = {"name": "more", "hostPath": "/opt/more", "mountPath": "/opt/more"}


def encryption(**settings: Any) -> list[tuple[str, Any]]:
    return [(ENCRYPTION, settings)]


def volumes(*changes: dict[str, Any], component: str = "apiServer") -> list[tuple[str, Any]]:
    return [(f"{ONE}/{component}/extraVolumes", [{**VOLUME, **each} for each in changes])]


def pods(**settings: Any) -> list[tuple[str, Any]]:
    return [(f"{ONE}/security/podSecurity", settings)]


def files(**texts: Any) -> list[tuple[str, Any]]:
    return [(f"{ONE}/apiServer/files", texts)]


def audit(**settings: Any) -> list[tuple[str, Any]]:
    return [(f"{ONE}/security/audit", settings)]


AT = "clusters.cluster1"
AT_ENCRYPTION = f"{AT}.security.secretsEncryption"
AT_VOLUME = f"{AT}.apiServer.extraVolumes[0]"
CASES: dict[str, Case] = {
    "provider": (encryption(provider="aescbc"), f"{AT_ENCRYPTION}.provider", "unknown provider"),
    "kms without plugin": (encryption(provider="kms"), f"{AT_ENCRYPTION}.kms", "needs a plugin"),
    "plugin without endpoint": (
        encryption(provider="kms", kms={"name": "vault"}),
        f"{AT_ENCRYPTION}.kms.endpoint",
        "missing",
    ),
    "plugin over TCP": (
        encryption(kms={**PLUGIN, "endpoint": "tcp://127.0.0.1:1"}),
        f"{AT_ENCRYPTION}.kms.endpoint",
        "not the address of a Unix socket",
    ),
    "plugin in our folder": (
        encryption(kms={**PLUGIN, "endpoint": "unix:///var/lib/kubeadm-fleet/api-server/s"}),
        f"{AT_ENCRYPTION}.kms.endpoint",
        "cannot be mounted",
    ),
    "plugin above our folder": (
        encryption(kms={**PLUGIN, "endpoint": "unix:///etc/kms.sock"}),
        f"{AT_ENCRYPTION}.kms.endpoint",
        "cannot be mounted",
    ),
    "plugin outside by dots": (
        encryption(kms={**PLUGIN, "endpoint": "unix:///var/../etc/kms/kms.sock"}),
        f"{AT_ENCRYPTION}.kms.endpoint",
        "cannot be mounted",
    ),
    "plugin's name": (
        encryption(kms={**PLUGIN, "name": "a:b"}),
        f"{AT_ENCRYPTION}.kms.name",
        "not the name of a KMS plugin",
    ),
    "plugin's timeout": (
        encryption(kms={**PLUGIN, "timeout": "2m"}),
        f"{AT_ENCRYPTION}.kms.timeout",
        "out of range",
    ),
    "level": (pods(enforce="strict"), f"{AT}.security.podSecurity.enforce", "unknown level"),
    "namespace": (
        pods(exemptNamespaces=["Shop"]),
        f"{AT}.security.podSecurity.exemptNamespaces[0]",
        "not a namespace",
    ),
    "policy": (
        audit(policy="kind: Policy\n"),
        f"{AT}.security.audit.policy",
        "not of apiVersion audit.k8s.io/v1",
    ),
    "log without end": (audit(log={"maxBackups": 0}), f"{AT}.security.audit.log.maxBackups", "out"),
    "webhook without kubeconfig": (
        audit(webhook={}),
        f"{AT}.security.audit.webhook.kubeconfig",
        "missing",
    ),
    "webhook as text": (
        audit(webhook={"kubeconfig": "apiVersion: v1"}),
        f"{AT}.security.audit.webhook.kubeconfig",
        "not the name of a config value",
    ),
    "file in a folder": (files(**{"a/b": "x"}), f'{AT}.apiServer.files["a/b"]', "not the name"),
    "file above": (files(**{"..": "x"}), f'{AT}.apiServer.files[".."]', "not the name"),
    "temporary file": (files(**{"a.new": "x"}), f'{AT}.apiServer.files["a.new"]', "not the name"),
    "file without text": (files(a=7), f"{AT}.apiServer.files.a", "not a text"),
    "file with a null byte": (files(a="x\0"), f"{AT}.apiServer.files.a", "characters"),
    "long file": (files(a="x" * 300_000), f"{AT}.apiServer.files.a", "longer than"),
    "relative path": (volumes({"hostPath": "opt"}), f"{AT_VOLUME}.hostPath", "not an absolute"),
    "path with dots": (volumes({"mountPath": "/a/../b"}), f"{AT_VOLUME}.mountPath", "not an"),
    "path type": (volumes({"pathType": "Pipe"}), f"{AT_VOLUME}.pathType", "unknown type"),
    "over our folder": (
        volumes({"mountPath": "/var/lib/kubeadm-fleet/api-server/secrets"}),
        f"{AT_VOLUME}.mountPath",
        "it would hide /var/lib/kubeadm-fleet",
    ),
    "above kubeadm's folder": (volumes({"mountPath": "/etc"}), f"{AT_VOLUME}.mountPath", "hide"),
    "our volume's name": (volumes({"name": "k8s-certs"}), f"{AT_VOLUME}.name", "another volume"),
    "a name twice": (
        volumes({}, {"mountPath": "/opt/other"}),
        f"{AT}.apiServer.extraVolumes[1].name",
        "another volume",
    ),
    "a path twice": (
        volumes({}, {"name": "other"}),
        f"{AT}.apiServer.extraVolumes[1].mountPath",
        "it would hide /opt/more",
    ),
    "over the plugin's socket": (
        [*encryption(kms=PLUGIN), *volumes({"mountPath": "/var/run/kms"})],
        f"{AT_VOLUME}.mountPath",
        "it would hide /var/run/kms",
    ),
    "over the scheduler's files": (
        volumes({"mountPath": "/etc/kubernetes/scheduler"}, component="scheduler"),
        f"{AT}.scheduler.extraVolumes[0].mountPath",
        "it would hide",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_setting_is_rejected_with_exactly_this_problem(case: Case) -> None:
    check_refused(CONTAINER, case)


HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"
POLICIES = {
    "": "not a mapping",
    "a: [": "not a YAML document",
    HEAD: "it has no rules",
    f"{HEAD}rules: []": "it has no rules",
    f"{HEAD}rules: [{{level: Everything}}]": "rule 1: its level is none of",
    f"{HEAD}rules: [{{}}]": "rule 1: its level is none of",
    f"{HEAD}rules: [Metadata]": "rule 1: not a mapping",
    f"{HEAD}rules: [{{level: None}}, {{level: None, verb: [get]}}]": "rule 2: unknown key verb",
    f"{HEAD}rules: [{{level: None, users: ann}}]": "rule 1: users is not a list of texts",
    f"{HEAD}rules: [{{level: None, omitStages: [End]}}]": "rule 1: omitStages is not",
    f"{HEAD}rules: [{{level: None, nonResourceURLs: [api]}}]": "rule 1: nonResourceURLs begin",
    f"{HEAD}rules: [{{level: None, nonResourceURLs: ['/a*b']}}]": "rule 1: nonResourceURLs begin",
    f"{HEAD}rules: [{{level: None, nonResourceURLs: ['/'], namespaces: [a]}}]": "rule 1: it has",
    f"{HEAD}rules: [{{level: None, resources: [pods]}}]": "rule 1: one of its resources",
    f"{HEAD}rules: [{{level: None, resources: [{{group: apps/v1}}]}}]": "rule 1: group is not",
    f"{HEAD}rules: [{{level: None, resources: [{{resourceNames: [a]}}]}}]": "rule 1: resourceNames",
    f"{HEAD}omitManagedFields: no-thanks\nrules: [{{level: None}}]": "omitManagedFields is neither",
    "a: *b": "not a YAML document",
}


@pytest.mark.parametrize(("text", "says"), POLICIES.items(), ids=[*map(str, range(len(POLICIES)))])
def test_policy_that_no_api_server_starts_with_is_refused(text: str, says: str) -> None:
    assert audit_policy.problem(text).startswith(says)


WEBHOOK = """\
apiVersion: v1
kind: Config
current-context: audit
contexts: [{name: audit, context: {cluster: audit, user: audit}}]
clusters: [{name: audit, cluster: {server: "https://audit.example.com"}}]
users: [{name: audit, user: {token: abc}}]
"""
WEBHOOKS = {
    "": "not a mapping",
    WEBHOOK.replace("current-context: audit", "current-context: other"): "its current-context",
    WEBHOOK.replace("https:", "http:"): "the cluster of its current context",
    WEBHOOK.replace("user: audit}", "user: other}"): "the user of its current context",
    WEBHOOK.replace(
        "token: abc", "tokenFile: /etc/token"
    ): "it names files or programs (tokenFile)",
}


@pytest.mark.parametrize(("text", "says"), WEBHOOKS.items(), ids=[*map(str, range(len(WEBHOOKS)))])
def test_kubeconfig_of_a_webhook_that_no_api_server_can_use_is_refused(
    text: str, says: str
) -> None:
    assert audit_webhook.problem(text).startswith(says)
    assert audit_webhook.problem(WEBHOOK) == ""
