"""How the security settings of a resolved config become those of a cluster."""

from collections.abc import Mapping

from model.config.audit import Audit as AuditConfig
from model.config.durations import parse_seconds
from model.config.namespaces import Namespace
from model.config.pod_security import PodSecurity as PodSecurityConfig
from model.config.secrets_encryption import SecretsEncryption as EncryptionConfig
from model.config.security import Security as SecurityConfig
from model.security import (
    Audit,
    AuditLog,
    AuditWebhook,
    Kms,
    NamespaceLimits,
    PodSecurity,
    SecretsEncryption,
    Security,
    Tls,
)


def of(settings: SecurityConfig) -> Security:
    """Return the security of a cluster with these settings."""
    return Security(
        encryption=_encryption(settings.secrets_encryption),
        audit=_audit(settings.audit),
        pod_security=_pod_security(settings.pod_security),
        tls=Tls(settings.tls.min_version),
        registries=tuple(dict.fromkeys(settings.images.registries or ())),
        namespaces=tuple(_namespace(*item) for item in sorted(settings.namespaces.items())),
    )


def _encryption(settings: EncryptionConfig) -> SecretsEncryption:
    plugin = settings.kms
    return SecretsEncryption(
        settings.provider,
        Kms(plugin.name, plugin.endpoint, parse_seconds(plugin.timeout)) if plugin else None,
    )


def _audit(settings: AuditConfig) -> Audit:
    log, webhook = settings.log, settings.webhook
    return Audit(
        settings.policy or "",
        AuditLog(log.max_size, log.max_backups, log.max_age),
        AuditWebhook(webhook.kubeconfig, webhook.mode) if webhook else None,
    )


def _namespace(name: str, settings: Namespace) -> NamespaceLimits:
    limits = settings.limits
    amounts = {
        "default": limits.default,
        "defaultRequest": limits.default_request,
        "max": limits.max,
    }
    return NamespaceLimits(
        name,
        _texts(settings.quota),
        {key: _texts(its) for key, its in amounts.items()},
        settings.default_deny,
    )


def _texts(amounts: Mapping[str, object]) -> dict[str, str]:
    return {name: str(amount) for name, amount in sorted(amounts.items())}


def _pod_security(settings: PodSecurityConfig) -> PodSecurity:
    return PodSecurity(
        settings.enforce,
        settings.audit,
        settings.warn,
        tuple(dict.fromkeys(settings.exempt_namespaces)),
    )
