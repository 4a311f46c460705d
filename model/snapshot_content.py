"""What kubeadm recorded of a cluster, found in an etcd snapshot of it.

It is searched for, not read as a database: each revision of an object is one run of bytes, and of
several the newest counts. Nothing is found where ConfigMaps are encrypted at rest.
"""

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

KEY = b"/registry/configmaps/kube-system/kubeadm-config"
# mvccpb.KeyValue: key, create_revision, mod_revision, version, value.
# https://github.com/etcd-io/etcd/blob/main/api/mvccpb/kv.proto
VARINT = rb"([\x80-\xff]*[\x00-\x7f])"
RECORD = re.compile(
    b"".join((rb"\x0a", bytes([len(KEY)]), KEY))
    + rb"\x10%b\x18%b\x20%b\x2a%b" % (VARINT, VARINT, VARINT, VARINT),
    re.DOTALL,
)
# An entry of a ConfigMap's data, a map of strings.
ENTRY = re.compile(rb"\x0a\x14ClusterConfiguration\x12" + VARINT, re.DOTALL)
MASK_FLAGS = ("node-cidr-mask-size-ipv4", "node-cidr-mask-size")


def recorded_networks(path: Path) -> dict[str, str]:
    """Return the networks and the endpoint of the cluster, by their keys in the config."""
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        newest = max(_records(content), default=(0, b""))[1]
    if (entry := ENTRY.search(newest)) is None:
        return {}
    text = newest[entry.end() : entry.end() + _number(entry[1])]
    return _networks(yaml.safe_load(text))


def _records(content: mmap.mmap) -> Iterator[tuple[int, bytes]]:
    """Yield each revision's number and value."""
    for record in RECORD.finditer(content):
        yield _number(record[2]), content[record.end() : record.end() + _number(record[4])]


def _networks(document: dict[str, Any]) -> dict[str, str]:
    networking = document.get("networking") or {}
    arguments = (document.get("controllerManager") or {}).get("extraArgs") or ()
    found = {
        "podSubnet": networking.get("podSubnet"),
        "serviceSubnet": networking.get("serviceSubnet"),
        "dnsDomain": networking.get("dnsDomain"),
        "nodeCidrMaskSize": next(
            (argument["value"] for argument in arguments if argument["name"] in MASK_FLAGS), None
        ),
        "endpoint": document.get("controlPlaneEndpoint"),
    }
    return {key: str(value) for key, value in found.items() if value}


def _number(varint: bytes) -> int:
    """Return a number in base 128, the lowest digit first."""
    return sum((digit & 0x7F) << (7 * place) for place, digit in enumerate(varint))
