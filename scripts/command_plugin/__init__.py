"""A stand-in for the `command` resource plugin, for networks where its release cannot be had.

It serves `command:remote:Command`, `command:remote:CopyToRemote` and `command:local:Command` as
pulumi-resource-command v1.2.1 does: the same inputs, defaults, secrets, rules of what an input's
change does, and failures. README.md says why, how it differs, and how both are tested.
"""

from model.pins import PULUMI_COMMAND

STANDS_IN_FOR = PULUMI_COMMAND
# Build metadata: equal to the release for whoever compares versions, and plain to whoever reads it.
VERSION = f"{STANDS_IN_FOR}+stand-in"
NOTICE = (
    f"this is kubeadm-fleet's stand-in for pulumi-resource-command v{STANDS_IN_FOR}, "
    "used where the official release cannot be downloaded"
)
