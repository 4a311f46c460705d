"""The credentials of a cluster's machines for registry mirrors."""

from collections.abc import Mapping

import pulumi

from model.fleet import Cluster
from model.render import mirrors


def mirror_credentials(
    cluster: Cluster, secrets: Mapping[str, pulumi.Output[str]]
) -> pulumi.Output[str] | None:
    """Return their table, a secret; None if no mirror needs any. `secrets` are the config's."""
    own = cluster.outbound.mirrors
    names = {mirror.credentials for mirror in own.values() if mirror.credentials}
    if not names:
        return None
    known = pulumi.Output.all(**{name: secrets[name] for name in sorted(names)})
    return pulumi.Output.secret(known.apply(lambda values: mirrors.credentials(own, values)))
