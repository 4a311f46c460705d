"""The accounts that tools have in one cluster, such as Argo CD and Flux.

They are applied as soon as the API answers, like people's access, and wait for no wave. What a
tool knows of a cluster is in components/hand_off.py.
"""

import pulumi

from components.pki import Pki
from components.providers.manifests import Manifests, ManifestsArgs
from model.fleet import Cluster
from model.render import hand_off


def tool_accounts(
    cluster: Cluster, pki: Pki, init: pulumi.CustomResource, opts: pulumi.ResourceOptions
) -> dict[str, Manifests]:
    """Apply the account of each tool once `init` is done; return them by tool."""
    return {
        registration.tool: Manifests(
            f"{cluster.name}-{registration.tool}-account",
            ManifestsArgs(
                identity=pki.identity,
                documents=hand_off.account(registration),
                init=init.id,
                held_by=[],
            ),
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(deleted_with=pki.cluster)),
        )
        for registration in cluster.registrations
    }
