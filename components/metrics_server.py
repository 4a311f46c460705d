"""metrics-server of one cluster: its objects, its serving certificate, and its registration.

No other part of the cluster waits until it runs. It comes after the rollout: then machines have its
image, and at the end of a rotation of the cluster's CA, all have read its certificate of the
successor. Changed objects wait, as the baseline's, while an earlier wave holds the cluster.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.pki import Pki
from components.providers.aggregated_api import AggregatedApi, AggregatedApiArgs, ApiProps
from components.providers.hold import Hold
from components.providers.manifests import Manifests, ManifestsArgs
from components.providers.rollout import Rollout
from components.sdk import value_of
from model.fleet import Cluster
from model.render import metrics_server


@dataclass(frozen=True)
class MetricsServerArgs:
    """The cluster, its PKI, initialization and rollout, and the holds of earlier waves."""

    cluster: Cluster
    pki: Pki
    init: pulumi.CustomResource
    rollout: Rollout
    held_by: Sequence[pulumi.Output[Hold]]


class MetricsServer(pulumi.ComponentResource):
    """metrics-server: its `objects`, and its serving `certificate` (PEM)."""

    objects: Manifests
    certificate: pulumi.Output[str]

    def __init__(
        self, name: str, args: MetricsServerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kubeadm-fleet:metrics_server:MetricsServer", name, None, opts)
        cluster, pki = args.cluster, args.pki
        child = pulumi.ResourceOptions(parent=self, deleted_with=pki.cluster)
        api = metrics_server.API
        registered = AggregatedApi(
            f"{name}-certificate",
            AggregatedApiArgs(
                identity=pki.identity,
                init=args.init.id,
                api=ApiProps(
                    group=api.group,
                    version=api.version,
                    namespace=api.namespace,
                    service=api.service,
                ),
                issuer=pki.signer,
                authorities=value_of(pki.cluster.bundle),
                valid_seconds=cluster.lifetimes.kubelet_serving.total_seconds(),
                authority=pki.authority,
                chain=value_of(pki.cluster.chain),
            ),
            pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[args.rollout])),
        )
        self.certificate = registered.certificate
        # After the Secret that its pods mount. What serves the API already is refused before.
        self.objects = Manifests(
            f"{name}-objects",
            ManifestsArgs(
                identity=pki.identity,
                documents=metrics_server.metrics_server(cluster),
                init=args.init.id,
                held_by=list(args.held_by),
            ),
            pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[registered])),
        )
        self.register_outputs({})
