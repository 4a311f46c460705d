"""Sections 4.2 and 4.3: the settings of kubelets and of kube-proxy."""

from collections.abc import Callable
from functools import partial
from typing import Any

from model.cis.flags import Flags, is_false, is_true
from model.cis.item import Judgement, MachineItem, MachineJudge, both
from model.cis.judges import STRONG_CIPHERS, flag, is_loopback, is_not_set, is_set
from model.cis.machine_facts import MachineFacts

NAME, PROXY = "kubelet", "kube-proxy"
# What the kubelet does where its config file says nothing:
# https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
DEFAULTS = {
    "authentication.anonymous.enabled": "false",
    "authorization.mode": "Webhook",
    "readOnlyPort": "0",
    "streamingConnectionIdleTimeout": "4h",
    "makeIPTablesUtilChains": "true",
    "eventRecordQPS": "50",
}
# kubeadm writes zero for durations that nobody set, which the kubelet takes for its default.
ZERO_IS_DEFAULT = frozenset({"streamingConnectionIdleTimeout"})
RESTORED = "The program sets it: run `fleet refresh` and `fleet up`, which restore the config."
Test = Callable[[str | None], bool]

_automated = partial(MachineItem, automated=True, control_planes_only=False)
_manual = partial(MachineItem, automated=False, control_planes_only=False)


def value_of(facts: MachineFacts, path: str, name: str) -> str | None:
    """Return a setting of the kubelet: its flag, else its config's, else the default."""
    (flags, *_) = facts.component(NAME)
    given = flags.last(name)
    if given is not None:
        return given
    if flags.last("config") is None:
        return None
    found: Any = facts.kubelet_config()
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    if found is None or (path in ZERO_IS_DEFAULT and is_zero(str(found))):
        return DEFAULTS.get(path)
    if isinstance(found, list):
        return ",".join(map(str, found))
    return str(found).lower() if isinstance(found, bool) else str(found)


def _setting(path: str, name: str, test: Test) -> MachineJudge:
    def judge(facts: MachineFacts) -> Judgement:
        value = value_of(facts, path, name)
        return Judgement(test(value), f"{path}: {value}" if value else f"{path} is not set")

    return judge


def _config(field: str, value: str) -> str:
    return f"In the config: kubelet: {{{field}: {value}}}."


def _is_not_zero(value: str | None) -> bool:
    return value is not None and not is_zero(value)


def is_zero(value: str) -> bool:
    """Whether a number or a duration is zero."""
    return not any(digit in "123456789" for digit in value)


def _is_positive(value: str | None) -> bool:
    return value is not None and value.isdecimal() and int(value) > 0


def _ciphers(facts: MachineFacts) -> Judgement:
    version = value_of(facts, "tlsMinVersion", "tls-min-version")
    suites = value_of(facts, "tlsCipherSuites", "tls-cipher-suites") or ""
    names = [name for name in suites.split(",") if name]
    strong = version == "VersionTLS13" or (bool(names) and STRONG_CIPHERS.issuperset(names))
    return Judgement(strong, f"tlsMinVersion: {version}, tlsCipherSuites: {suites or 'not set'}")


def _gate(facts: MachineFacts) -> Judgement:
    (flags, *_) = facts.component(NAME)
    name = "RotateKubeletServerCertificate"
    of_flag = dict(gate.partition("=")[::2] for gate in flags.words("feature-gates"))
    of_config = facts.kubelet_config().get("featureGates") or {}
    value = of_flag.get(name, str(of_config.get(name, True)))
    return Judgement(is_true(value), f"{name}={value.lower()}")


def _metrics(facts: MachineFacts) -> Judgement:
    document = facts.document(PROXY, "config") or {}

    def address(flags: Flags) -> str:
        # https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/
        given = flags.last("metrics-bind-address") or document.get("metricsBindAddress")
        return str(given or "127.0.0.1:10249")

    found = [address(flags) for flags in facts.component(PROXY)]
    own = all(is_loopback(each.rpartition(":")[0].strip("[]")) for each in found)
    return Judgement(own, f"metrics at {', '.join(found)}")


ITEMS = (
    _automated(
        "4.2.1",
        "The kubelet refuses anonymous requests",
        RESTORED,
        judge=_setting("authentication.anonymous.enabled", "anonymous-auth", is_false),
    ),
    _automated(
        "4.2.2",
        "The kubelet authorizes requests",
        RESTORED,
        judge=_setting(
            "authorization.mode",
            "authorization-mode",
            lambda mode: mode is not None and "AlwaysAllow" not in mode,
        ),
    ),
    _automated(
        "4.2.3",
        "The kubelet verifies its clients' certificates",
        RESTORED,
        judge=_setting("authentication.x509.clientCAFile", "client-ca-file", is_set),
    ),
    _manual(
        "4.2.4",
        "The kubelet's read-only port is off",
        _config("readOnlyPort", "0"),
        judge=_setting("readOnlyPort", "read-only-port", lambda port: port == "0"),
    ),
    _manual(
        "4.2.5",
        "Idle streams end",
        _config("streamingConnectionIdleTimeout", "4h"),
        judge=_setting(
            "streamingConnectionIdleTimeout", "streaming-connection-idle-timeout", _is_not_zero
        ),
    ),
    _automated(
        "4.2.6",
        "The kubelet manages its iptables chains",
        _config("makeIPTablesUtilChains", "true"),
        judge=_setting("makeIPTablesUtilChains", "make-iptables-util-chains", is_true),
    ),
    _manual(
        "4.2.7",
        "The Node has the name of its host",
        "None, if the name is the machine's in the config: certificates are issued for it.",
        judge=flag(NAME, "hostname-override", is_not_set),
    ),
    _manual(
        "4.2.8",
        "The rate of the kubelet's Events is limited, but not too low",
        _config("eventRecordQPS", "50"),
        judge=_setting("eventRecordQPS", "event-qps", _is_positive),
    ),
    _manual(
        "4.2.9",
        "The kubelet serves with a certificate of the cluster",
        RESTORED,
        judge=both(
            _setting("tlsCertFile", "tls-cert-file", is_set),
            _setting("tlsPrivateKeyFile", "tls-private-key-file", is_set),
        ),
    ),
    _automated(
        "4.2.10",
        "The kubelet renews its client certificate",
        _config("rotateCertificates", "true"),
        judge=_setting("rotateCertificates", "rotate-certificates", is_true),
    ),
    _manual(
        "4.2.11",
        "The kubelet may renew its serving certificate",
        "Remove RotateKubeletServerCertificate from kubelet.featureGates.",
        judge=_gate,
    ),
    _manual(
        "4.2.12",
        "The kubelet accepts strong cipher suites only",
        "Remove tlsCipherSuites and tlsMinVersion from `kubelet`; security.tls in the config sets "
        "both.",
        judge=_ciphers,
    ),
    _manual(
        "4.2.13",
        "A pod's number of processes is limited",
        _config("podPidsLimit", "4096"),
        judge=_setting("podPidsLimit", "pod-max-pids", _is_positive),
    ),
    _manual(
        "4.2.14",
        "Containers have a seccomp profile by default",
        _config("seccompDefault", "true"),
        judge=_setting("seccompDefault", "seccomp-default", is_true),
    ),
    _automated(
        "4.3.1",
        "kube-proxy's metrics are reachable on its own machine only",
        "Remove metricsBindAddress from the ConfigMap kube-proxy in kube-system.",
        judge=_metrics,
    ),
)
