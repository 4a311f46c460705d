"""The machines of a stack, logged in to as the rollout does."""

import json
from typing import Any

from ops.hosts.login import Login
from ops.hosts.operations import Operation
from ops.hosts.session import HostConnection
from tests.e2e.pulumi_stack import PulumiStack

MOST_SECONDS = 120


class Machines:
    """Runs shell as root on any machine of a cluster."""

    def __init__(self, stack: PulumiStack, cluster: str) -> None:
        exported = json.loads(stack.succeed("stack", "export", "--show-secrets").output)
        self.props = _plain(
            next(
                each["outputs"]
                for each in exported["deployment"]["resources"]
                if each["urn"].endswith(f"::{cluster}-rollout")
            )
        )

    def run(self, machine: str, shell: str) -> str:
        """Run shell, which must succeed; return what it printed."""
        way = HostConnection(machine, Login.from_props(self.props["logins"][machine]))
        with way.open(patience_seconds=10) as visit:
            return visit.run(shell, Operation("paths", (), MOST_SECONDS), {})


def _plain(value: Any) -> Any:
    """The value with the engine's marks of secrets taken away."""
    if isinstance(value, dict):
        if "plaintext" in value:
            return json.loads(value["plaintext"])
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value
