"""The configs that are measured."""

from typing import Any

import yaml

from scripts.bench.stack import PROJECT

KEY = "kubeadm-fleet:fleet"
LARGEST_CLUSTER = 100
CONTROL_PLANES = 3
# A valid public key that belongs to nobody: no host is reached.
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN3PyLSbt82YNsctkVNNIgmV3nqjCR+uywpVjv0dK/dL"


def dev() -> dict[str, Any]:
    """Return the config of the dev stack on subnets of its own."""
    config: dict[str, Any] = yaml.safe_load((PROJECT / "Pulumi.dev.yaml").read_text())["config"]
    for number, cluster in enumerate(config[KEY]["clusters"].values(), start=1):
        cluster["machines"]["subnet"] = f"10.84.{number}.0/24"
    return config


def existing(machines: int) -> dict[str, Any]:
    """Return the config of a fleet of existing hosts, in clusters of one size, up to 100."""
    clusters = -(-machines // LARGEST_CLUSTER)
    sizes = [machines * (n + 1) // clusters - machines * n // clusters for n in range(clusters)]
    fleet = {
        "machines": {"driver": "existing", "ssh": {"user": "ubuntu", "sudo": True}},
        "clusters": {
            f"cluster{number}": _cluster(number, size) for number, size in enumerate(sizes, start=1)
        },
    }
    return {KEY: fleet, "kubeadm-fleet:sshPrivateKey": "a preview reaches no host"}


def _cluster(number: int, size: int) -> dict[str, Any]:
    hosts = [
        {"address": f"172.20.{number}.{index}", "hostKey": HOST_KEY} for index in range(1, size + 1)
    ]
    return {
        "endpoint": {"external": f"api{number}.example.com:6443"},
        "controlPlanes": {"hosts": hosts[:CONTROL_PLANES]},
        "workers": {"hosts": hosts[CONTROL_PLANES:]},
    }
