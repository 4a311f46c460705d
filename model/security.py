"""The security settings in force for a cluster."""

from dataclasses import dataclass, field

SECRETBOX, KMS, NONE = "secretbox", "kms", "none"
PROVIDERS = (SECRETBOX, KMS, NONE)
# The Pod Security Standards, the weakest first.
PRIVILEGED, BASELINE, RESTRICTED = "privileged", "baseline", "restricted"
LEVELS = (PRIVILEGED, BASELINE, RESTRICTED)


@dataclass(frozen=True)
class Kms:
    """A KMS v2 plugin: its socket is `endpoint` (unix:///...); `seconds` is the time limit."""

    name: str
    endpoint: str
    seconds: int


@dataclass(frozen=True)
class SecretsEncryption:
    """What encrypts Secrets in etcd: one of PROVIDERS; `kms` is the plugin of that provider."""

    provider: str = SECRETBOX
    kms: Kms | None = None


@dataclass(frozen=True)
class PodSecurity:
    """Levels of the Pod Security Standards, and further namespaces that are exempt from them."""

    enforce: str = BASELINE
    audit: str = RESTRICTED
    warn: str = RESTRICTED
    exempt_namespaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Security:
    """A cluster's security; the defaults are the strict ones."""

    encryption: SecretsEncryption = field(default_factory=SecretsEncryption)
    pod_security: PodSecurity = field(default_factory=PodSecurity)
