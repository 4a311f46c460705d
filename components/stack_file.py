"""The stack's file, whose text the program never sees: the engine passes on what it read."""

import os
from pathlib import Path

import pulumi

from ops.errors import OperatorError
from ops.pulumi import stack_file

# Where another file is configured, the engine's own variable has it.
CONFIG_FILE = "PULUMI_OPTION_CONFIG_FILE"


def check_stack_file() -> None:
    """Reject a file with text that the engine reads as something else, such as a host 010.

    `fleet` checks the file before it starts the engine, plain `pulumi` does not. Without a file, as
    with config from Pulumi ESC, there is nothing to check.
    """
    path = Path(os.environ.get(CONFIG_FILE) or f"Pulumi.{pulumi.get_stack()}.yaml")
    if not path.is_file():
        return
    try:
        stack_file.read(path)
    except OperatorError as error:
        raise pulumi.RunError(str(error)) from None
