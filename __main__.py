"""The program: it reads the stack's config, creates the fleet and exports its outputs."""

import pulumi

from components.config_secrets import config_secrets
from components.fleet import Fleet, FleetArgs
from components.sdk import lighten
from components.stack_file import check_stack_file
from components.unanswered import awaited
from model.config.errors import ConfigError
from model.load import load, warnings

config = pulumi.Config("kubeadm-fleet")


async def main() -> pulumi.Inputs:
    """Create the fleet; await its outputs: the SDK's own wait is quadratic in their number."""
    check_stack_file()
    try:
        described = load(config.get_object("fleet"))
    except ConfigError as error:
        raise pulumi.RunError(str(error)) from None
    for warning in warnings(described):
        pulumi.warn(warning)
    secrets = config_secrets(config, described)
    return await awaited(Fleet("fleet", FleetArgs(described, secrets)).outputs)


lighten()
pulumi.run(main)
