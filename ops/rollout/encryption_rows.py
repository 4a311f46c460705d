"""Rows of what encrypts Secrets in etcd: the API servers' secret files, and the stored Secrets."""

from ops.rollout import encryption_triggers, execution, triggers
from ops.rollout.action_kind import ActionKind, When

API_SERVER_SECRETS = ActionKind(
    name="api-server-secrets",
    on_workers=False,
    reasons=encryption_triggers.secret_files,
    planned=encryption_triggers.planned_secret_files,
    subject="the secret files of API servers",
    effect="its API server restarted if it uses a changed one, one machine at a time",
    api_seconds=10,
    doing="applying the secret files of the API server",
    run=execution.apply_api_server_secrets,
    restarts_services=True,
    restores_api=True,
)
STORED_SECRETS = ActionKind(
    name="stored-secrets",
    reasons=triggers.never,
    cluster_reasons=encryption_triggers.stored_secrets,
    subject="the encryption of Secrets",
    effect="all Secrets written again, nothing restarted",
    doing="writing all Secrets again",
    run=execution.rewrite_secrets,
    when=When.AT_END,
    needs_ready=False,
)
