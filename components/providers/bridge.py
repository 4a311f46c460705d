"""The bridge of a cluster's container machines on this host.

Before it is created, the preview warns of networks that this host reaches and the cluster's pods
would not. Create and update create it; an `up` recreates a missing bridge (for example after a
reboot of the host). Another subnet replaces it. Delete removes it, together with any machines of
this cluster that a killed run left behind.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

import pulumi
from pulumi.dynamic import DiffResult

from components.providers.base import ProvidedResource, Provider, changed
from components.providers.engine_log import warn

REPLACING = ("owner", "cluster", "subnet")


class BridgeInputs(TypedDict):
    """The bridge as the provider gets it."""

    owner: str
    cluster: str
    subnet: str
    networks: Mapping[str, str]


class BridgeState(BridgeInputs):
    """The bridge as it was created."""

    bridge: str
    gateway: str


class BridgeProvider(Provider[BridgeInputs, BridgeState]):
    """Manages bridges."""

    def _check(self, olds: BridgeInputs, news: BridgeInputs) -> BridgeInputs:
        """Warn of the cluster's networks while they can be changed."""
        from ops.hosts.routes import unreachable_warnings

        if not olds:
            networks = {key: ipaddress.IPv4Network(text) for key, text in news["networks"].items()}
            for text in unreachable_warnings(news["cluster"], networks):
                warn(text)
        return news

    def _create(self, inputs: BridgeInputs) -> BridgeState:
        return _make(inputs)

    def _diff(self, olds: BridgeState, news: BridgeInputs) -> DiffResult:
        """Check whether the bridge exists and matches the desired one."""
        from ops.nspawn import network

        replaces = changed(olds, news, REPLACING)
        return DiffResult(
            changes=bool(replaces) or not network.bridge_exists(olds["bridge"]),
            replaces=replaces,
            delete_before_replace=True,
        )

    def _update(self, _olds: BridgeState, news: BridgeInputs) -> BridgeState:
        """Create it again."""
        return _make(news)

    def _delete(self, state: BridgeState) -> None:
        from ops.nspawn import lifecycle, network

        lifecycle.purge_cluster(state["owner"], state["cluster"])
        network.remove_bridge(state["bridge"])


def _make(inputs: BridgeInputs) -> BridgeState:
    from ops.nspawn import network
    from ops.nspawn.spec import short

    subnet = ipaddress.IPv4Network(inputs["subnet"])
    bridge = f"kf{short(inputs['owner'] + inputs['cluster'], 12)}"
    network.make_bridge(bridge, f"{subnet[1]}/{subnet.prefixlen}")
    return {**inputs, "bridge": bridge, "gateway": str(subnet[1])}


@dataclass(frozen=True)
class BridgeArgs:
    """A cluster's bridge: `owner` is the fleet's public key, `subnet` in CIDR notation.

    `networks` are those of pods and Services by their keys in the config, unless they may overlap
    what the host reaches.
    """

    owner: pulumi.Input[str]
    cluster: str
    subnet: str
    networks: Mapping[str, str]


class Bridge(ProvidedResource, module="kubeadm-fleet", name="Bridge"):
    """A bridge: `bridge` (its name), `gateway` (the host's address on it)."""

    bridge: pulumi.Output[str]
    gateway: pulumi.Output[str]

    def __init__(
        self, name: str, args: BridgeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(BridgeProvider(), name, args, opts)
