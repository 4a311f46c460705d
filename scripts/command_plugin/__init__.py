"""A stand-in for the `command` resource plugin, for networks without access to its release.

It serves `command:remote:Command`, `command:remote:CopyToRemote` and `command:local:Command` as
pulumi-resource-command v1.2.1 does: the same inputs, defaults, secrets, effects of changed inputs,
and failures. README.md explains why it exists, how it differs, and how both are tested.
"""

from model.pins import PULUMI_COMMAND

STANDS_IN_FOR = PULUMI_COMMAND
# Build metadata: compares equal to the release, but is visible to a reader.
VERSION = f"{STANDS_IN_FOR}+stand-in"
NOTICE = (
    f"this is kubeadm-fleet's stand-in for pulumi-resource-command v{STANDS_IN_FOR}, "
    "used where the official release cannot be downloaded"
)
