"""The program: the stack's config in, the fleet made, its outputs exported."""

import pulumi

from components import fleet as components
from components.debug_lines import drop_unless_wanted
from model.errors import ConfigError
from model.fleet import Fleet
from model.load import load

drop_unless_wanted()
config = pulumi.Config("kubeadm-fleet")


def private_key(name: str) -> pulumi.Output[str]:
    """Return the SSH key in the config secret `name`; a preview reaches no host and needs none."""
    key = config.get_secret(name)
    if key is None:
        set_it = f"`pulumi config set --secret kubeadm-fleet:{name} < KEY_FILE`"
        if not pulumi.runtime.is_dry_run():
            raise pulumi.RunError(f"kubeadm-fleet:{name} is not set: {set_it}")
        pulumi.warn(f"kubeadm-fleet:{name} is not set; an `up` will need it: {set_it}")
        return pulumi.Output.secret("")
    return key


def describe() -> Fleet:
    """Read the whole config, or refuse it with everything that is wrong."""
    try:
        return load(config.require_object("fleet"))
    except ConfigError as error:
        raise pulumi.RunError(str(error)) from None


async def main() -> pulumi.Inputs:
    """Make the fleet.

    Its outputs are awaited here: the SDK waits for what is left with a loop whose cost grows with
    the square of the number of resources.
    """
    described = describe()
    keys = {name: private_key(name) for name in described.private_key_names}
    made = components.Fleet("fleet", described, keys)
    outputs = {"kubeconfig": made.kubeconfig, "clusters": made.clusters}
    for output in outputs.values():
        await output.future()
    return outputs


pulumi.run(main)
