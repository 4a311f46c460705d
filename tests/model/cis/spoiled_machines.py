"""A spoiled copy of a good machine's facts for each item, or several."""

from collections.abc import Iterator
from dataclasses import replace

from model.cis.machine_facts import MachineFacts
from tests.model.cis.good import Spoil, another_file, document, flag, kubelet, mode, owner

SERVER, MANAGER, SCHEDULER = "kube-apiserver", "kube-controller-manager", "kube-scheduler"
MANIFESTS, PKI = "/etc/kubernetes/manifests", "/etc/kubernetes/pki"
UNIT_FILES = "/etc/systemd/system/kubelet.service"
PLUGINS = "enable-admission-plugins"
WEAK = "TLS_RSA_WITH_AES_128_CBC_SHA"
GATE = "RotateKubeletServerCertificate"


def _files() -> Iterator[tuple[str, Spoil]]:
    for first, name in ((1, SERVER), (3, MANAGER), (5, SCHEDULER), (7, "etcd")):
        yield f"1.1.{first}", mode(f"{MANIFESTS}/{name}.yaml", 0o644)
        yield f"1.1.{first + 1}", owner(f"{MANIFESTS}/{name}.yaml", "root:users")
    yield "1.1.9", another_file("/etc/cni/net.d/05-other.conf", 0o644)
    yield "1.1.10", another_file("/var/lib/cni/networks/other", name="nobody:root")
    yield "1.1.11", mode("/var/lib/etcd", 0o750)
    yield "1.1.12", owner("/var/lib/etcd", "root:root")
    yield "1.1.13", another_file("/etc/kubernetes/super-admin.conf", 0o640)
    yield "1.1.14", owner("/etc/kubernetes/admin.conf", "etcd:etcd")
    for first, name in ((15, "scheduler"), (17, "controller-manager")):
        yield f"1.1.{first}", mode(f"/etc/kubernetes/{name}.conf", 0o604)
        yield f"1.1.{first + 1}", owner(f"/etc/kubernetes/{name}.conf", "nobody:nogroup")
    yield "1.1.19", owner(PKI, "etcd:root")
    yield "1.1.19", another_file(f"{PKI}/etcd/other.crt", name="etcd:etcd")
    yield "1.1.20", mode(f"{PKI}/ca.crt", 0o664)
    yield "1.1.21", mode(f"{PKI}/sa.key", 0o640)
    yield "1.1.21", another_file(f"{PKI}/pair.pem", 0o644)
    yield "4.1.1", _unit(0o644, "root:root")
    yield "4.1.2", _unit(0o600, "nobody:nogroup")
    yield "4.1.3", another_file("/etc/kubernetes/kube-proxy.conf", 0o644)
    yield "4.1.4", another_file("/etc/kubernetes/kube-proxy.conf", name="nobody:root")
    yield "4.1.5", mode("/etc/kubernetes/kubelet.conf", 0o644)
    yield "4.1.6", owner("/etc/kubernetes/kubelet.conf", "root:adm")
    yield "4.1.7", mode(f"{PKI}/ca.crt", 0o646)
    yield "4.1.8", owner(f"{PKI}/ca.crt", "nobody:root")
    yield "4.1.9", mode("/var/lib/kubelet/config.yaml", 0o644)
    yield "4.1.10", owner("/var/lib/kubelet/config.yaml", "nobody:root")


def _unit(permissions: int, name: str) -> Spoil:
    """Add a drop-in to the kubelet's service."""
    path = f"{UNIT_FILES}.d/99-local.conf"

    def spoil(facts: MachineFacts) -> MachineFacts:
        added = another_file(path, permissions, name)(facts)
        return replace(added, units=(*facts.units, path))

    return spoil


def _server() -> Iterator[tuple[str, Spoil]]:
    for number, name, value in (
        ("1.2.1", "anonymous-auth", "true"),
        ("1.2.2", "token-auth-file", "/etc/kubernetes/tokens.csv"),
        ("1.2.4", "kubelet-client-certificate", None),
        ("1.2.4", "kubelet-client-key", None),
        ("1.2.5", "kubelet-certificate-authority", None),
        ("1.2.6", "authorization-mode", "AlwaysAllow"),
        ("1.2.6", "authorization-mode", "Node,RBAC,AlwaysAllow"),
        ("1.2.6", "authorization-mode", None),
        ("1.2.7", "authorization-mode", "RBAC"),
        ("1.2.8", "authorization-mode", "Node"),
        ("1.2.10", PLUGINS, "NodeRestriction,AlwaysAdmit"),
        ("1.2.12", "disable-admission-plugins", "PodSecurity,ServiceAccount"),
        ("1.2.13", "disable-admission-plugins", "NamespaceLifecycle"),
        ("1.2.14", PLUGINS, None),
        ("1.2.14", PLUGINS, "EventRateLimit"),
        ("1.2.15", "profiling", None),
        ("1.2.15", "profiling", "true"),
        ("1.2.16", "audit-log-path", None),
        ("1.2.17", "audit-log-maxage", "29"),
        ("1.2.17", "audit-log-maxage", None),
        ("1.2.18", "audit-log-maxbackup", "9"),
        ("1.2.19", "audit-log-maxsize", "99"),
        ("1.2.21", "service-account-lookup", "false"),
        ("1.2.22", "service-account-key-file", None),
        ("1.2.23", "etcd-certfile", None),
        ("1.2.23", "etcd-keyfile", None),
        ("1.2.24", "tls-cert-file", None),
        ("1.2.24", "tls-private-key-file", None),
        ("1.2.25", "client-ca-file", None),
        ("1.2.26", "etcd-cafile", None),
        ("1.2.27", "encryption-provider-config", None),
        ("1.2.29", "tls-cipher-suites", WEAK),
        ("1.2.30", "service-account-extend-token-expiration", None),
        ("1.2.30", "service-account-extend-token-expiration", "true"),
        ("3.1.3", "enable-bootstrap-token-auth", "true"),
        ("3.2.1", "audit-policy-file", None),
    ):
        yield number, flag(SERVER, name, value)
    for number in ("1.2.3", "1.2.9", "1.2.11"):
        yield number, flag(SERVER, PLUGINS, "NodeRestriction")
    yield "1.2.28", lambda facts: replace(facts, providers=())
    yield "1.2.28", lambda facts: replace(facts, providers=("providers", "identity", "secretbox"))
    yield (
        "1.2.28",
        lambda facts: replace(facts, providers=(*facts.providers, "providers", "identity")),
    )
    yield "3.2.2", document(SERVER, "audit-policy-file", _without_sessions)


def _without_sessions(policy: dict[str, object]) -> dict[str, object]:
    """Log nothing of pods' subresources."""
    rules = policy["rules"]
    assert isinstance(rules, list)
    sessions = {"group": "", "resources": ["pods/*"]}
    return {**policy, "rules": [{"level": "None", "resources": [sessions]}, *rules]}


def _others() -> Iterator[tuple[str, Spoil]]:
    for number, component, name, value in (
        ("1.3.1", MANAGER, "terminated-pod-gc-threshold", None),
        ("1.3.2", MANAGER, "profiling", "true"),
        ("1.3.3", MANAGER, "use-service-account-credentials", "false"),
        ("1.3.3", MANAGER, "use-service-account-credentials", None),
        ("1.3.4", MANAGER, "service-account-private-key-file", None),
        ("1.3.5", MANAGER, "root-ca-file", None),
        ("1.3.6", MANAGER, "feature-gates", f"Other=true,{GATE}=false"),
        ("1.3.7", MANAGER, "bind-address", "0.0.0.0"),
        ("1.3.7", MANAGER, "bind-address", None),
        ("1.4.1", SCHEDULER, "profiling", None),
        ("1.4.2", SCHEDULER, "bind-address", "::"),
        ("2.1", "etcd", "cert-file", None),
        ("2.1", "etcd", "key-file", None),
        ("2.2", "etcd", "client-cert-auth", "false"),
        ("2.2", "etcd", "client-cert-auth", None),
        ("2.3", "etcd", "auto-tls", "true"),
        ("2.4", "etcd", "peer-cert-file", None),
        ("2.4", "etcd", "peer-key-file", None),
        ("2.5", "etcd", "peer-client-cert-auth", None),
        ("2.6", "etcd", "peer-auto-tls", "true"),
        ("4.2.5", "kubelet", "streaming-connection-idle-timeout", "0"),
        ("4.2.7", "kubelet", "hostname-override", "other"),
        ("4.2.1", "kubelet", "anonymous-auth", "true"),
        ("4.3.1", "kube-proxy", "metrics-bind-address", "0.0.0.0:10249"),
        ("4.3.1", "kube-proxy", "metrics-bind-address", "[::]:10249"),
    ):
        yield number, flag(component, name, value)
    for variable, number in (("ETCD_AUTO_TLS", "2.3"), ("ETCD_PEER_AUTO_TLS", "2.6")):
        yield number, _variable(variable, "true")
    yield "2.7", _same_authority
    proxys = document(
        "kube-proxy", "config", lambda found: {**found, "metricsBindAddress": "0.0.0.0"}
    )
    yield "4.3.1", proxys


def _variable(name: str, value: str) -> Spoil:
    return lambda facts: replace(facts, variables={name: value})


def _same_authority(facts: MachineFacts) -> MachineFacts:
    return replace(facts, digests=dict.fromkeys(facts.digests, "the same"))


def _kubelet() -> Iterator[tuple[str, Spoil]]:
    for number, path, value in (
        ("4.2.1", "authentication.anonymous.enabled", True),
        ("4.2.2", "authorization.mode", "AlwaysAllow"),
        ("4.2.3", "authentication.x509.clientCAFile", None),
        ("4.2.4", "readOnlyPort", 10255),
        ("4.2.6", "makeIPTablesUtilChains", False),
        ("4.2.8", "eventRecordQPS", 0),
        ("4.2.9", "tlsCertFile", None),
        ("4.2.9", "tlsPrivateKeyFile", None),
        ("4.2.10", "rotateCertificates", False),
        ("4.2.10", "rotateCertificates", None),
        ("4.2.11", "featureGates", {GATE: False}),
        ("4.2.12", "tlsCipherSuites", [WEAK]),
        ("4.2.13", "podPidsLimit", -1),
        ("4.2.14", "seccompDefault", False),
    ):
        yield number, kubelet(path, value)


CASES: tuple[tuple[str, Spoil], ...] = (*_files(), *_server(), *_others(), *_kubelet())
