"""What legitimately differs from one cluster or Node to the next, and what is compared instead.

No flag or field is ignored because it may differ: a value that is the cluster's or the Node's own
is replaced by the name of what it is, and any other one remains.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_network
from typing import Any

ADDRESS, NAME = "<node address>", "<node name>"
CONTROL_PLANE = "<control plane>"
CA = "<certificate authority>"
ENDPOINT, ENDPOINT_PORT = "<endpoint>", "<endpoint port>"
CLUSTER_NAME, DOMAIN = "<cluster name>", "<DNS domain>"
POD_SUBNET, SERVICE_SUBNET = "<pod subnet>", "<service subnet>"
DNS_ADDRESS, API_ADDRESS = "<DNS address>", "<API address>"
# The cluster's DNS has the tenth address of its Service subnet, the API the first (kubeadm).
DNS_INDEX, API_INDEX = 10, 1


@dataclass(frozen=True)
class OwnValues:
    """Texts of one cluster, or of one of its Nodes, with what each of them is.

    `members` are the Nodes by name with their addresses.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    port: str = ""
    node: str = ""
    members: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        known = sorted(filter(None, self.texts), key=len, reverse=True)
        # A part of a longer name or address is not it.
        return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, known))})(?![\w-]|\.\w)") if (
            known
        ) else None  # fmt: skip

    def text(self, content: str) -> str:
        """Return a text in which own values are named."""
        if self._pattern is None:
            return content
        return self._pattern.sub(lambda found: self.texts[found[0]], content)

    def of(self, content: Any) -> Any:
        """Return an object in which own values are named, in all of its texts."""
        match content:
            case str():
                return self.text(content)
            case list():
                return [self.of(each) for each in content]
            case Mapping():
                return {key: self.of(each) for key, each in content.items()}
            case _:
                return content

    def of_node(self, node: str) -> "OwnValues":
        """Return those of a Node: its addresses come before the same ones of the cluster."""
        own = dict.fromkeys(self.members.get(node, ()), ADDRESS)
        return OwnValues({**self.texts, **own}, self.name, self.port, node, self.members)


def own_values(configuration: Mapping[str, Any], members: Mapping[str, Sequence[str]]) -> OwnValues:
    """Return those of a cluster, from its ClusterConfiguration of kubeadm and its Nodes' addresses.

    Of a cluster that kubeadm did not make, the configuration is empty, and nothing is known.
    """
    networking = configuration.get("networking") or {}
    endpoint = str(configuration.get("controlPlaneEndpoint") or "")
    host, _, port = endpoint.rpartition(":") if ":" in endpoint else (endpoint, "", "")
    texts = {endpoint: ENDPOINT, host: ENDPOINT}
    external = (configuration.get("etcd") or {}).get("external") or {}
    texts |= dict.fromkeys(map(str, external.get("endpoints") or ()), "<etcd endpoint>")
    for key, what in (
        ("podSubnet", POD_SUBNET),
        ("serviceSubnet", SERVICE_SUBNET),
        ("dnsDomain", DOMAIN),
    ):
        for each in str(networking.get(key) or "").split(","):
            texts[each] = what
    for index, what in ((DNS_INDEX, DNS_ADDRESS), (API_INDEX, API_ADDRESS)):
        texts[_address(str(networking.get("serviceSubnet") or ""), index)] = what
    texts.pop("", None)
    return OwnValues(texts, str(configuration.get("clusterName") or ""), port, members=members)


def _address(subnets: str, index: int) -> str:
    try:
        return str(ip_network(subnets.split(",")[0])[index])
    except (ValueError, IndexError):
        return ""
