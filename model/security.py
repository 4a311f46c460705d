"""The security settings in force for a cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, field

SECRETBOX, KMS, NONE = "secretbox", "kms", "none"
PROVIDERS = (SECRETBOX, KMS, NONE)
# The Pod Security Standards, the weakest first.
PRIVILEGED, BASELINE, RESTRICTED = "privileged", "baseline", "restricted"
LEVELS = (PRIVILEGED, BASELINE, RESTRICTED)
# When audit events are sent, as flags of API servers have it.
BATCH = "batch"
WEBHOOK_MODES = (BATCH, "blocking", "blocking-strict")
TLS12, TLS13 = "VersionTLS12", "VersionTLS13"
TLS_VERSIONS = (TLS12, TLS13)
# Those of TLS 1.2 with forward secrecy and authenticated encryption (RFC 9325), by Go's names.
CIPHER_SUITES = (
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
)


@dataclass(frozen=True)
class Kms:
    """A KMS v2 plugin: its socket is `endpoint` (unix:///...); `seconds` is the time limit."""

    name: str
    endpoint: str
    seconds: int


@dataclass(frozen=True)
class SecretsEncryption:
    """What encrypts Secrets in etcd: one of PROVIDERS.

    Whatever `provider` is, what `kms` has encrypted can be read if there is one.
    """

    provider: str = SECRETBOX
    kms: Kms | None = None


@dataclass(frozen=True)
class AuditLog:
    """What is kept of the audit log: files of `max_size` MB, their number, their age in days."""

    max_size: int = 100
    max_backups: int = 10
    max_age: int = 30

    @property
    def megabytes(self) -> int:
        """The space that it takes at most."""
        return self.max_size * (self.max_backups + 1)


@dataclass(frozen=True)
class AuditWebhook:
    """A server that gets audit events; `kubeconfig` is the name of a config secret."""

    kubeconfig: str
    mode: str = BATCH


@dataclass(frozen=True)
class Audit:
    """The audit log; `policy` is the text of a policy of the config's own, or ""."""

    policy: str = ""
    log: AuditLog = field(default_factory=AuditLog)
    webhook: AuditWebhook | None = None


@dataclass(frozen=True)
class PodSecurity:
    """Levels of the Pod Security Standards, and further namespaces that are exempt from them."""

    enforce: str = BASELINE
    audit: str = RESTRICTED
    warn: str = RESTRICTED
    exempt_namespaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tls:
    """The oldest version of TLS that the cluster's components accept: one of TLS_VERSIONS."""

    min_version: str = TLS12


@dataclass(frozen=True)
class NamespaceLimits:
    """A namespace, and amounts by resource: a `quota`, and `limits` by the keys of LimitRange.

    `default_deny` is whether its pods may connect to nothing but DNS unless a policy allows it.
    """

    name: str
    quota: Mapping[str, str]
    limits: Mapping[str, Mapping[str, str]]
    default_deny: bool = False


@dataclass(frozen=True)
class Security:
    """A cluster's security; the defaults are the strict ones."""

    encryption: SecretsEncryption = field(default_factory=SecretsEncryption)
    audit: Audit = field(default_factory=Audit)
    pod_security: PodSecurity = field(default_factory=PodSecurity)
    tls: Tls = field(default_factory=Tls)
    # What images may come from; empty for any.
    registries: tuple[str, ...] = ()
    namespaces: tuple[NamespaceLimits, ...] = ()
