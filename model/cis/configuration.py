"""Section 3: how people authenticate, and what is audited."""

from functools import partial

from model.cis import audit_policy
from model.cis.api_server import NAME, RESTORED, setting
from model.cis.flags import is_false
from model.cis.item import Judgement, MachineItem
from model.cis.judges import flag, is_set
from model.cis.machine_facts import MachineFacts

_manual = partial(MachineItem, automated=False, control_planes_only=True)


def _people(facts: MachineFacts) -> Judgement:
    facts.component(NAME)
    issuers = (facts.document(NAME, "authentication-config") or {}).get("jwt") or ()
    urls = [str((each.get("issuer") or {}).get("url")) for each in issuers]
    return Judgement(None, f"issuers of tokens: {', '.join(urls) or 'none'}")


def _accounts(facts: MachineFacts) -> Judgement:
    facts.component(NAME)
    return Judgement(None, "whether people use tokens of service accounts is in the audit log only")


def _audit(facts: MachineFacts) -> Judgement:
    facts.component(NAME)
    policy = facts.document(NAME, "audit-policy-file")
    if policy is None:
        return Judgement(False, "there is no audit policy")
    found = list(audit_policy.gaps(policy))
    return Judgement(not found, "; ".join(found) or "secrets, sessions and writes are logged")


ITEMS = (
    _manual(
        "3.1.1",
        "People do not authenticate with client certificates",
        "In the config: authentication.issuers, and tokens of people in `people`. Certificates "
        "that the program issues to people have a CA each, and end with `fleet revoke`.",
        judge=_people,
    ),
    _manual(
        "3.1.2",
        "People do not authenticate as service accounts",
        "Give people access with `people` in the config.",
        judge=_accounts,
    ),
    _manual(
        "3.1.3",
        "People do not authenticate with bootstrap tokens",
        setting("enable-bootstrap-token-auth", "false"),
        judge=flag(
            NAME, "enable-bootstrap-token-auth", lambda value: value is None or is_false(value)
        ),
    ),
    _manual(
        "3.2.1",
        "There is an audit policy",
        RESTORED,
        judge=flag(NAME, "audit-policy-file", is_set),
    ),
    _manual(
        "3.2.2",
        "The audit policy logs secrets, sessions and writes, without secret bodies",
        "In the config: security: {audit: {policy: ...}}; without it, the policy is the program's.",
        judge=_audit,
    ),
)
