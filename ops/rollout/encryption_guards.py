"""Changes of what encrypts Secrets after which an API server could not read some of them.

All API servers know the program's own key. A KMS plugin is known to those that have been restarted
with it: a change takes two runs, so that in each of them every API server reads what others write.
"""

from model.security import KMS
from ops.errors import OperatorError
from ops.kube.stored_secrets import SEPARATOR
from ops.rollout.desired import DesiredCluster
from ops.rollout.observed import ObservedCluster

PROVIDER, PLUGIN = "security.secretsEncryption.provider", "security.secretsEncryption.kms"


def reject_unreadable(before: DesiredCluster, after: DesiredCluster) -> None:
    """Raise OperatorError if a KMS plugin begins to write, or ceases to read, too early."""
    was, becomes = before.encryption, after.encryption
    if was["provider"] == KMS and was["plugin"] != becomes["plugin"]:
        raise OperatorError(f"cluster {after.name}: {_needed(was['plugin'])}")
    if becomes["provider"] == KMS and becomes["plugin"] != was["plugin"]:
        raise OperatorError(
            f"cluster {after.name}: the plugin {becomes['plugin']} cannot encrypt Secrets yet, "
            f"since API servers that do not know it could not read them. Add {PLUGIN}, leave "
            f"{PROVIDER} as it is ({was['provider']}), and run `fleet up`; set it to kms after that"
        )


def lost_plugin(observed: ObservedCluster, cluster: DesiredCluster) -> str:
    """Refuse to go without a plugin that has written Secrets, also in a rollout that failed."""
    for writer in observed.writer.split(SEPARATOR):
        kind, _, plugin = writer.partition(" ")
        if kind == KMS and plugin != cluster.encryption["plugin"]:
            return _needed(plugin)
    return ""


def _needed(plugin: str) -> str:
    return (
        f"the plugin {plugin} has encrypted Secrets, which no API server could read without it. "
        f"Keep {PLUGIN}, set {PROVIDER} to secretbox, and run `fleet up`, which writes all Secrets "
        "again; change or remove the plugin after that"
    )
