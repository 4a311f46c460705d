"""The people in a stack's file, for messages about those who are not in its state."""

from collections.abc import Collection, Mapping
from typing import Any

from model.people import how_to_grant
from ops.errors import OperatorError
from ops.pulumi.stack_file import read
from ops.pulumi.workspace import Workspace

FLEET = "kubeadm-fleet:fleet"


def unknown(workspace: Workspace, user: str, people: Collection[str]) -> str:
    """Say why a person who is not in the state has no access."""
    stack = workspace.stack
    text = (
        f"the stack {stack} has no user {user} as of the last `fleet up {stack}`; its users: "
        f"{', '.join(people) or 'none'}"
    )
    known = users(workspace)
    if known and is_revoked(known, user):
        return (
            f"the access of {user} was revoked, and the last `fleet up {stack}` removed it: "
            f"`fleet up {stack}` does what is left on clusters that did not answer. "
            f"{how_to_grant(user)}"
        )
    return text


def users(workspace: Workspace) -> Mapping[str, Any] | None:
    """Return the people in the stack's file; None if it cannot be read."""
    try:
        fleet = read(workspace.tracked_config)["config"][FLEET]
    except (OSError, OperatorError, KeyError, TypeError):
        return None
    people = (fleet.get("people") or {}) if isinstance(fleet, dict) else {}
    found = people.get("users") if isinstance(people, dict) else None
    return found if isinstance(found, dict) else {}


def is_revoked(users: Mapping[str, Any], user: str) -> bool:
    """Whether the file says that a person's access was revoked."""
    return isinstance(users.get(user), dict) and users[user].get("revoked") is True
