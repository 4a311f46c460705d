"""The audit log of API servers: what is recorded, how long it is kept, and where else it goes."""

from typing import Annotated

from pydantic import Field

from model import audit_policy
from model.config.field import ScalarField, between, one_of
from model.config.secret_name import SecretName
from model.config.strict import Atomic, Strict
from model.security import BATCH, WEBHOOK_MODES, AuditLog

LONGEST_POLICY = 256 * 1024
EXAMPLE = """\
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: Metadata
"""


def _policy(text: str) -> str:
    if len(text) > LONGEST_POLICY:
        raise ValueError(f"longer than {LONGEST_POLICY} characters")
    if problem := audit_policy.problem(text):
        raise ValueError(f"not an audit policy: {problem}")
    return text


def _number(label: str, default: int, most: int) -> ScalarField:
    return ScalarField(
        label, f"a whole number from 1 to {most}", default, (int,), check=between(1, most)
    )


PolicyText = Annotated[
    str,
    ScalarField(
        "an audit policy",
        "the text of a Policy of audit.k8s.io/v1 with at least one rule",
        EXAMPLE,
        check=_policy,
    ),
]
Megabytes = Annotated[int, _number("a size in MB", AuditLog.max_size, 10_000)]
Files = Annotated[int, _number("a number of files", AuditLog.max_backups, 1000)]
Days = Annotated[int, _number("a number of days", AuditLog.max_age, 3650)]
Mode = Annotated[str, one_of("mode of a webhook", WEBHOOK_MODES, BATCH)]


class Log(Strict):
    """How much of the audit log is kept on each control plane."""

    max_size: Megabytes = Field(
        AuditLog.max_size, description="The size in MB at which a file is complete."
    )
    max_backups: Files = Field(
        AuditLog.max_backups, description="How many complete files are kept."
    )
    max_age: Days = Field(AuditLog.max_age, description="For how many days they are kept.")


class Webhook(Atomic):
    """A server that API servers send audit events to, in addition to the log."""

    kubeconfig: SecretName = Field(
        description="The name of the stack's secret config value with a kubeconfig, whose cluster "
        "is the server. It is a file of control planes: it cannot name other files.",
        examples=["auditWebhook"],
    )
    mode: Mode = Field(
        BATCH,
        description="batch sends events later and drops those that wait for too long; blocking "
        "has each response wait until its event was sent.",
    )


class Audit(Strict):
    """The audit log: /var/log/kubernetes/audit/audit.log on each control plane."""

    policy: PolicyText | None = Field(
        None,
        description="An audit policy of your own instead of kubeadm-fleet's.",
        examples=[EXAMPLE],
    )
    log: Log = Field(default_factory=Log, description="How much of the log is kept.")
    webhook: Webhook | None = Field(None, description="A server that gets the events, too.")
