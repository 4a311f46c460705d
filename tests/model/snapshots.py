"""Files in the format of etcd snapshots."""

import hashlib
from pathlib import Path

from model.snapshot import MAGIC

PAGES = bytes(16) + MAGIC + bytes(4096 - 20) + b"every object" + bytes(4096 - 12)


KEY = b"/registry/configmaps/kube-system/kubeadm-config"


def write(path: Path, pages: bytes = PAGES) -> str:
    """Write a snapshot as `etcdctl snapshot save` does; return the sha256 of the file."""
    content = pages + hashlib.sha256(pages).digest()
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def with_configuration(revision: int, document: str, key: bytes = KEY) -> bytes:
    """A revision of kubeadm's ConfigMap as etcd and the API server write it, among pages."""
    entry = _field(0x0A, b"ClusterConfiguration") + _field(0x12, document.encode())
    configmap = _field(0x0A, _field(0x0A, b"kubeadm-config")) + _field(0x12, entry)
    value = b"k8s\0" + _field(0x0A, b"\x0a\x02v1\x12\x09ConfigMap") + _field(0x12, configmap)
    numbers = b"\x10\x01\x18" + _varint(revision) + b"\x20\x01"
    record = _field(0x0A, key) + numbers + _field(0x2A, value)
    return record + bytes(-len(record) % 4096)


def _field(tag: int, content: bytes) -> bytes:
    """A field of a protobuf message: https://protobuf.dev/programming-guides/encoding/."""
    return bytes([tag]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    low, high = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(high) if high else bytes([low])
