"""The program: the stack's config in, the fleet made, its outputs exported."""

import pulumi

from components.fleet import Fleet, FleetArgs
from components.sdk import lighten
from components.unanswered import awaited
from model.config.errors import ConfigError
from model.load import load, warnings

config = pulumi.Config("kubeadm-fleet")


def secret(name: str, source: str = "") -> pulumi.Output[str]:
    """Return the config secret `name`; a preview reaches no host and needs none."""
    if (value := config.get_secret(name)) is not None:
        return value
    set_it = f"`fleet pulumi --stack {pulumi.get_stack()} config set --secret {name}{source}`"
    if not pulumi.runtime.is_dry_run():
        raise pulumi.RunError(f"kubeadm-fleet:{name} is not set: {set_it}")
    pulumi.warn(f"kubeadm-fleet:{name} is not set; an `up` will need it: {set_it}")
    return pulumi.Output.secret("")


async def main() -> pulumi.Inputs:
    """Make the fleet; await its outputs, since the SDK's own wait is quadratic in their number."""
    try:
        described = load(config.require_object("fleet"))
    except ConfigError as error:
        raise pulumi.RunError(str(error)) from None
    for warning in warnings(described):
        pulumi.warn(warning)
    keys = {name: secret(name, " < KEY_FILE") for name in described.private_key_names}
    logins = (*described.sudo_password_names, *described.mirror_credential_names)
    secrets = keys | {name: secret(name) for name in logins}
    return await awaited(Fleet("fleet", FleetArgs(described, secrets)).outputs)


lighten()
pulumi.run(main)
