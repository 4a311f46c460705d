"""The configs of the benchmarks."""

from base64 import b64encode
from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import Any

import yaml

from model import pins, ssh_keys
from scripts.bench.stack import PROJECT

KEY = "kubeadm-fleet:fleet"
SSH_KEY = "kubeadm-fleet:sshPrivateKey"
LARGEST_CLUSTER = 100
CONTROL_PLANES = 3
CLUSTER = "cluster1"
# What an ed25519 key begins with in OpenSSH's format (RFC 8709).
KEY_HEAD = b"\0\0\0\x0bssh-ed25519\0\0\0\x20"


def dev(*networks: IPv4Network) -> dict[str, Any]:
    """Return the config of the dev stack with other subnets, one per cluster."""
    config: dict[str, Any] = yaml.safe_load((PROJECT / "Pulumi.dev.yaml").read_text())["config"]
    for cluster, network in zip(config[KEY]["clusters"].values(), networks, strict=True):
        cluster["machines"]["subnet"] = str(network)
    return config


def highly_available(version: str, network: IPv4Network) -> dict[str, Any]:
    """Return the config of a highly available cluster: the one that ha.sh creates."""
    cluster = {
        "machines": {"subnet": str(network)},
        "endpoint": {"vip": f"{network[100]}:8443"},
        "controlPlanes": {"count": CONTROL_PLANES},
        "workers": {"count": 2},
    }
    machines = {"driver": "container", "cpus": 2, "memory": "2Gi"}
    fleet = {"kubernetesVersion": version, "machines": machines, "clusters": {CLUSTER: cluster}}
    return {KEY: fleet}


def existing(machines: int, clusters: int = 0, endpoints: Sequence[str] = ()) -> dict[str, Any]:
    """Return the config of a fleet of existing hosts, in clusters of equal size.

    By default they have at most 100 machines each, and endpoints that do not exist.
    """
    clusters = clusters or -(-machines // LARGEST_CLUSTER)
    sizes = [machines * (n + 1) // clusters - machines * n // clusters for n in range(clusters)]
    fleet: dict[str, Any] = {
        "kubernetesVersion": pins.KUBERNETES,
        "machines": {"driver": "existing", "ssh": {"user": "ubuntu", "sudo": True}},
        "networks": {"shared": True},
        "clusters": {
            f"cluster{number}": _cluster(number, size, endpoints)
            for number, size in enumerate(sizes, start=1)
        },
    }
    return {KEY: fleet, SSH_KEY: ssh_keys.new_key_pair("bench").private_openssh}


def _cluster(number: int, size: int, endpoints: Sequence[str]) -> dict[str, Any]:
    hosts = {
        f"host-{index}": {
            "address": f"172.20.{number}.{index}",
            "hostKey": _host_key(number * LARGEST_CLUSTER + index),
        }
        for index in range(1, size + 1)
    }
    names = list(hosts)
    endpoint = endpoints[number - 1] if endpoints else f"api{number}.example.com:6443"
    return {
        "endpoint": {"external": endpoint},
        "controlPlanes": {"hosts": {name: hosts[name] for name in names[:CONTROL_PLANES]}},
        "workers": {"hosts": {name: hosts[name] for name in names[CONTROL_PLANES:]}},
    }


def _host_key(number: int) -> str:
    """Return a valid public key of no existing host: no host is reached."""
    return f"ssh-ed25519 {b64encode(KEY_HEAD + number.to_bytes(32)).decode()}"
