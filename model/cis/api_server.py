"""Section 1.2: the API servers' flags."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

from model.cis.flags import is_false, is_true
from model.cis.item import Judgement, MachineItem, MachineJudge, both, listed
from model.cis.judges import at_least, flag, is_not_set, is_set, strong_ciphers, words
from model.cis.machine_facts import MachineFacts

NAME = "kube-apiserver"
HEALTH = frozenset({"/healthz", "/livez", "/readyz"})
# Providers that encrypt, and that the benchmark accepts.
PROVIDERS = frozenset({"aescbc", "kms", "secretbox"})
ENABLED, DISABLED = "enable-admission-plugins", "disable-admission-plugins"
RESTORED = "The program sets it: run `fleet refresh` and `fleet up`, which restore the static pod."
MODES = "Remove authorization-mode and authorization-config from apiServer.extraArgs."

automated = partial(MachineItem, automated=True, control_planes_only=True)
manual = partial(MachineItem, automated=False, control_planes_only=True)
_flag = partial(flag, NAME)


def setting(name: str, value: str) -> str:
    """Return the remedy that sets a flag of the API server."""
    return f"In the config: apiServer: {{extraArgs: {{{name}: '{value}'}}}}."


def _plugin(name: str) -> str:
    return (
        f"In the config: {ENABLED} in apiServer.extraArgs, a list that replaces the default one: "
        f"NodeRestriction,{name}."
    )


def _is_on(name: str) -> MachineJudge:
    return words(NAME, ENABLED, lambda names: name in names)


def _stays_on(name: str) -> MachineJudge:
    return words(NAME, DISABLED, lambda names: name not in names)


def _authorizers(test: Callable[[tuple[str, ...]], bool]) -> MachineJudge:
    """Judge the authorizers, which a file or a flag names; without either, all is authorized."""

    def judge(facts: MachineFacts) -> Judgement:
        document = facts.document(NAME, "authorization-config")
        if document is None:
            return words(NAME, "authorization-mode", test)(facts)
        types = tuple(str(each.get("type")) for each in document.get("authorizers") or ())
        return Judgement(test(types), f"authorizers {', '.join(types) or 'none'}")

    return judge


def _anonymous(facts: MachineFacts) -> Judgement:
    if all(is_false(flags.last("anonymous-auth")) for flags in facts.component(NAME)):
        return Judgement(True, "--anonymous-auth=false")
    section = (facts.document(NAME, "authentication-config") or {}).get("anonymous")
    if section is None:
        return Judgement(False, "anonymous requests are accepted for every path")
    if section.get("enabled") is False:
        return Judgement(True, "anonymous requests are refused by the authentication config")
    paths = [str(each.get("path")) for each in section.get("conditions") or ()]
    if not paths:
        return Judgement(False, "anonymous requests are accepted for every path")
    beyond = set(paths) - HEALTH
    kind = "also for" if beyond else "for health checks only:"
    return Judgement(False, f"anonymous requests are accepted {kind} {listed(beyond or paths)}")


def _encrypts(facts: MachineFacts) -> Judgement:
    """Judge which provider comes first in each list: it encrypts what is written."""
    facts.component(NAME)
    first = [name for word, name in pairwise(facts.providers) if word == "providers"]
    found = f"first provider: {listed(first)}" if first else "no encryption config"
    return Judgement(bool(first) and PROVIDERS.issuperset(first), found)


def _ciphers(facts: MachineFacts) -> Judgement:
    processes = facts.component(NAME)
    suites = words(NAME, "tls-cipher-suites", bool)(facts)
    return Judgement(all(map(strong_ciphers, processes)), suites.found)


def _timeout(facts: MachineFacts) -> Judgement:
    return Judgement(None, _flag("request-timeout", is_set)(facts).found)


ITEMS = (
    manual(
        "1.2.1",
        "Anonymous requests are refused",
        "None, if they are accepted for health checks only: load balancers need those.",
        judge=_anonymous,
    ),
    automated(
        "1.2.2",
        "There is no file of static tokens",
        "Remove token-auth-file from apiServer.extraArgs.",
        judge=_flag("token-auth-file", is_not_set),
    ),
    manual(
        "1.2.3",
        "Services may not name external addresses",
        _plugin("DenyServiceExternalIPs"),
        judge=_is_on("DenyServiceExternalIPs"),
    ),
    automated(
        "1.2.4",
        "The API server shows kubelets a client certificate",
        RESTORED,
        judge=both(
            _flag("kubelet-client-certificate", is_set), _flag("kubelet-client-key", is_set)
        ),
    ),
    automated(
        "1.2.5",
        "The API server verifies kubelets' certificates",
        RESTORED,
        judge=_flag("kubelet-certificate-authority", is_set),
    ),
    automated(
        "1.2.6",
        "Requests are authorized",
        MODES,
        judge=_authorizers(lambda modes: bool(modes) and "AlwaysAllow" not in modes),
    ),
    automated(
        "1.2.7",
        "Kubelets are authorized as their Nodes",
        MODES,
        judge=_authorizers(lambda modes: "Node" in modes),
    ),
    automated("1.2.8", "RBAC is used", MODES, judge=_authorizers(lambda modes: "RBAC" in modes)),
    manual(
        "1.2.9",
        "The rate of Events is limited by admission",
        "None: its limits cannot be configured. Kubelets limit their own (4.2.8), and API servers "
        "limit each client by priority and fairness.",
        judge=_is_on("EventRateLimit"),
    ),
    automated(
        "1.2.10",
        "The admission plugin AlwaysAdmit is off",
        f"Remove AlwaysAdmit from {ENABLED} in apiServer.extraArgs.",
        judge=words(NAME, ENABLED, lambda names: "AlwaysAdmit" not in names),
    ),
    manual(
        "1.2.11",
        "A pod gets an image only with its own credentials",
        _plugin("AlwaysPullImages") + " Without a registry, leave it off.",
        judge=_is_on("AlwaysPullImages"),
    ),
    automated(
        "1.2.12",
        "The admission plugin ServiceAccount is on",
        f"Remove ServiceAccount from {DISABLED} in apiServer.extraArgs.",
        judge=_stays_on("ServiceAccount"),
    ),
    automated(
        "1.2.13",
        "The admission plugin NamespaceLifecycle is on",
        f"Remove NamespaceLifecycle from {DISABLED} in apiServer.extraArgs.",
        judge=_stays_on("NamespaceLifecycle"),
    ),
    automated(
        "1.2.14",
        "Kubelets change only their own Node and its pods",
        f"Add NodeRestriction to {ENABLED} in apiServer.extraArgs.",
        judge=_is_on("NodeRestriction"),
    ),
    automated(
        "1.2.15",
        "Profiling of the API server is off",
        setting("profiling", "false"),
        judge=_flag("profiling", is_false),
    ),
    automated(
        "1.2.16",
        "There is an audit log",
        RESTORED,
        judge=_flag("audit-log-path", is_set),
    ),
    automated(
        "1.2.17",
        "Audit logs are kept for 30 days",
        "In the config: security: {audit: {log: {maxAge: 30}}}.",
        judge=_flag("audit-log-maxage", at_least(30)),
    ),
    automated(
        "1.2.18",
        "Ten former audit logs are kept",
        "In the config: security: {audit: {log: {maxBackups: 10}}}.",
        judge=_flag("audit-log-maxbackup", at_least(10)),
    ),
    automated(
        "1.2.19",
        "An audit log is rotated at 100 MB",
        "In the config: security: {audit: {log: {maxSize: 100}}}.",
        judge=_flag("audit-log-maxsize", at_least(100)),
    ),
    manual(
        "1.2.20",
        "The timeout of requests suits the cluster",
        "Without the flag it is 60 s. " + setting("request-timeout", "300s"),
        judge=_timeout,
    ),
    automated(
        "1.2.21",
        "Tokens of deleted service accounts are refused",
        "Remove service-account-lookup from apiServer.extraArgs.",
        judge=_flag("service-account-lookup", lambda value: value is None or is_true(value)),
    ),
    automated(
        "1.2.22",
        "Tokens of service accounts are verified with a key of their own",
        RESTORED,
        judge=_flag("service-account-key-file", is_set),
    ),
    automated(
        "1.2.23",
        "The API server shows etcd a client certificate",
        RESTORED,
        judge=both(_flag("etcd-certfile", is_set), _flag("etcd-keyfile", is_set)),
    ),
    automated(
        "1.2.24",
        "The API server serves with a certificate",
        RESTORED,
        judge=both(_flag("tls-cert-file", is_set), _flag("tls-private-key-file", is_set)),
    ),
    automated(
        "1.2.25",
        "Client certificates are verified",
        RESTORED,
        judge=_flag("client-ca-file", is_set),
    ),
    automated(
        "1.2.26",
        "The API server verifies etcd's certificate",
        RESTORED,
        judge=_flag("etcd-cafile", is_set),
    ),
    manual(
        "1.2.27",
        "There is an encryption config",
        "In the config: security.secretsEncryption.",
        judge=_flag("encryption-provider-config", is_set),
    ),
    manual(
        "1.2.28",
        "Secrets are written encrypted",
        "In the config: security.secretsEncryption; its provider is secretbox or kms.",
        judge=_encrypts,
    ),
    manual(
        "1.2.29",
        "The API server accepts strong cipher suites only",
        "Remove tls-cipher-suites and tls-min-version from apiServer.extraArgs: security.tls in "
        "the config sets both.",
        judge=_ciphers,
    ),
    automated(
        "1.2.30",
        "Tokens of pods end after an hour",
        setting("service-account-extend-token-expiration", "false"),
        judge=_flag("service-account-extend-token-expiration", is_false),
    ),
)
