"""The bridge of a cluster's container machines on this host.

Create and update create it; an `up` recreates a missing bridge (for example after a reboot of the
host). Another subnet replaces it. Delete removes it, together with any machines of this cluster
that a killed run left behind.
"""

import ipaddress
from typing import Any
from uuid import uuid4

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from components.providers.base import Provider

REPLACING = ("owner", "cluster", "subnet")


class BridgeProvider(Provider):
    """Manages bridges."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create the bridge."""
        return CreateResult(id_=uuid4().hex, outs=_make(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Check whether the bridge exists and matches the desired one."""
        from ops.nspawn import network

        replaces = [key for key in REPLACING if olds[key] != news[key]]
        return DiffResult(
            changes=bool(replaces) or not network.bridge_exists(olds["bridge"]),
            replaces=replaces,
            delete_before_replace=True,
        )

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Create it again."""
        return UpdateResult(outs=_make(news))

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Remove it."""
        from ops.nspawn import lifecycle, network

        lifecycle.purge_cluster(props["owner"], props["cluster"])
        network.remove_bridge(props["bridge"])


def _make(props: dict[str, Any]) -> dict[str, Any]:
    from ops.nspawn import network
    from ops.nspawn.spec import short

    subnet = ipaddress.IPv4Network(props["subnet"])
    bridge = f"kf{short(props['owner'] + props['cluster'], 12)}"
    network.make_bridge(bridge, f"{subnet[1]}/{subnet.prefixlen}")
    return {**props, "bridge": bridge, "gateway": str(subnet[1])}


class Bridge(Resource, module="kubeadm-fleet", name="Bridge"):
    """A bridge: `bridge` (its name), `gateway` (the host's address on it)."""

    bridge: pulumi.Output[str]
    gateway: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        owner: pulumi.Input[str],
        cluster: str,
        subnet: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            BridgeProvider(),
            name,
            {
                "owner": owner,
                "cluster": cluster,
                "subnet": subnet,
                "bridge": None,
                "gateway": None,
            },
            opts,
        )
