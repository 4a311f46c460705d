"""Commands of the toolkit about a stack whose file is in the stack's own folder."""

import subprocess
import sys

from tests.e2e.pulumi_stack import CHECKOUT, PulumiStack

SECONDS = 60


def command_of(
    stack: PulumiStack, command: str, *words: str, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command about the stack; it is over within SECONDS."""
    module = (sys.executable, "-m", "tests.e2e.command", str(stack.folder))
    return subprocess.run(
        [*module, command, "--stack", stack.name, *words],
        cwd=CHECKOUT,
        env=stack.environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
