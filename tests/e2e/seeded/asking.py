"""Commands of the toolkit about a stack whose file is in the stack's own folder."""

import subprocess
import sys

from tests.e2e.pulumi_stack import CHECKOUT, PulumiStack

SECONDS = 60


def command_of(stack: PulumiStack, command: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command; it is over within SECONDS."""
    module = (sys.executable, "-m", "tests.e2e.seeded.command", str(stack.folder))
    return subprocess.run(
        [*module, command, stack.name, *words],
        cwd=CHECKOUT,
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
