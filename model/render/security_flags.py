"""Flags and volumes of API servers that a cluster's security settings determine."""

from pathlib import PurePosixPath

from model.render.component_files import ADMISSION, AUDIT_POLICY
from model.render.node_paths import API_SERVER_SECRETS, AUDIT_FOLDER
from model.security import Security

# Files of the folder of secrets.
ENCRYPTION, AUDIT_WEBHOOK = "encryption.yaml", "audit-webhook.yaml"


def api_server(security: Security) -> dict[str, str]:
    """Return the flags."""
    log, webhook = security.audit.log, security.audit.webhook
    flags = {
        "admission-control-config-file": ADMISSION,
        "audit-policy-file": AUDIT_POLICY,
        "audit-log-path": f"{AUDIT_FOLDER}/audit.log",
        "audit-log-maxsize": str(log.max_size),
        "audit-log-maxbackup": str(log.max_backups),
        "audit-log-maxage": str(log.max_age),
        "encryption-provider-config": f"{API_SERVER_SECRETS}/{ENCRYPTION}",
    }
    if webhook:
        flags["audit-webhook-config-file"] = f"{API_SERVER_SECRETS}/{AUDIT_WEBHOOK}"
        flags["audit-webhook-mode"] = webhook.mode
    return flags


def plugin_folder(security: Security) -> str:
    """Return the folder of the plugin's socket; "" if there is no plugin."""
    plugin = security.encryption.kms
    return str(PurePosixPath(plugin.endpoint.removeprefix("unix://")).parent) if plugin else ""
