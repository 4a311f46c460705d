"""The health check of a cluster: the last step of an `up`, and read by `refresh`.

Create and update wait until every named Node is Ready, CoreDNS is available, and the probe pod on
every Node has resolved and reached a Service and was reached at its own address by those of the
other Nodes; after the deadline they report what is missing. Read checks once and records the
result. Delete does nothing: a check owns nothing.
"""

from typing import Any
from uuid import uuid4

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from components.providers.base import Provider
from ops.kube import client, health

CAUSES = ("nodes", "machine_ids", "rolled", "deadline_seconds", "kubeconfig")


class ClusterHealthCheckProvider(Provider):
    """Waits until a cluster is healthy."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Wait until the cluster is ready."""
        return CreateResult(id_=uuid4().hex, outs={**props, "observed": _await_ready(props)})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Check again when machines changed or the last check found something missing."""
        changed = any(olds[key] != news[key] for key in CAUSES)
        return DiffResult(changes=changed or bool(olds["observed"]["missing"]))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Wait again."""
        return UpdateResult(outs={**news, "observed": _await_ready(news)})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Check once, without waiting."""
        observed = health.check(client.of(props["kubeconfig"]), props["nodes"])
        return ReadResult(id_=id_, outs={**props, "observed": observed})


def _await_ready(props: dict[str, Any]) -> dict[str, Any]:
    return health.await_ready(
        client.of(props["kubeconfig"]),
        props["cluster"],
        props["nodes"],
        props["deadline_seconds"],
    )


class ClusterHealthCheck(Resource, module="kubeadm-fleet", name="ClusterHealthCheck"):
    """A cluster as seen through its API: `observed` (`nodes`, `missing`)."""

    observed: pulumi.Output[dict[str, Any]]

    def __init__(
        self,
        name: str,
        *,
        cluster: str,
        kubeconfig: pulumi.Input[str],
        nodes: list[str],
        machine_ids: pulumi.Input[list[str]],
        rolled: pulumi.Input[str],
        deadline_seconds: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            ClusterHealthCheckProvider(),
            name,
            {
                "cluster": cluster,
                "kubeconfig": pulumi.Output.secret(kubeconfig),
                "nodes": nodes,
                "machine_ids": machine_ids,
                "rolled": rolled,
                "deadline_seconds": deadline_seconds,
                "observed": None,
            },
            opts,
        )
