"""What people may do in one cluster, and whose certificates it accepts.

Namespaces, roles and bindings are applied as soon as the API answers and updated in place. They
wait for no wave: access that is removed ends immediately. Their CAs are a matter of the rollout.
"""

import pulumi

from components.pki import Pki
from components.providers.manifests import Manifests, ManifestsArgs
from model.fleet import Cluster
from model.pki import client_authorities as model
from model.render.people import access_objects


def apply_access(
    cluster: Cluster, pki: Pki, init: pulumi.CustomResource, opts: pulumi.ResourceOptions
) -> None:
    """Apply the objects of everybody's access, if anybody has any, once `init` is done."""
    if documents := access_objects(cluster):
        Manifests(
            f"{cluster.name}-access",
            ManifestsArgs(identity=pki.identity, documents=documents, init=init.id, held_by=[]),
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(deleted_with=pki.cluster)),
        )


def client_authorities(pki: Pki, people: pulumi.Output[list[str]]) -> pulumi.Output[str]:
    """Return the CAs whose client certificates the cluster's API servers accept."""
    return pulumi.Output.all(pki.cluster.bundle, people).apply(
        lambda known: model.bundle(known[0], known[1])
    )
