"""Takes secrets out of API objects, whose structure says where they are.

What a text may hide is taken out of every string besides. Of Secrets nothing is left but their
metadata, and of ConfigMaps that Kubernetes and this program do not write, too: nobody knows what
others keep in them.
"""

import base64
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from model.api_objects import Json
from model.redaction import names
from model.redaction.text import TextRedactor

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# Who wrote which field when: of no use to a reader, and a third of an object.
MANAGED_FIELDS = "managedFields"
WORD_LISTS = ("command", "args", "containerCommand")
# Shorter texts are not searched: names, verbs, numbers.
SHORTEST_TEXT = 8
SYSTEM = "kube-system"
# ConfigMaps whose writers put no secret into them: kubeadm, Kubernetes, the pod network.
PUBLIC_CONFIG_MAPS = {
    *((SYSTEM, name) for name in ("kubeadm-config", "kubelet-config", "kube-proxy", "coredns")),
    *((SYSTEM, name) for name in ("extension-apiserver-authentication", "calico-config")),
    *((SYSTEM, "kube-apiserver-legacy-service-account-token-tracking"),),
    *(("kube-public", "cluster-info"), ("kube-flannel", "kube-flannel-cfg")),
}
ROOT_CA = "kube-root-ca.crt"


class ObjectRedactor:
    """Takes secrets out of objects, with what one archive knows of them."""

    def __init__(self, redactor: TextRedactor) -> None:
        self._redactor = redactor
        self._text = lru_cache(maxsize=16_384)(redactor.text)

    def object(self, found: Json, kind: str) -> Json:
        """Return an object of the API without secrets; `kind` is its kind in the core group."""
        if kind == "Secret":
            return self._summary(found, decode=True)
        if kind == "ConfigMap" and not _is_public(found):
            return self._summary(found, decode=False)
        return self._whole(found)

    def _whole(self, found: Json) -> Json:
        clean = {
            self._string(key): self._value(key, each)
            for key, each in found.items()
            if key != "metadata"
        }
        return {**clean, "metadata": self._metadata(found.get("metadata"))}

    def value(self, found: Any) -> Any:
        """Return any document of JSON without secrets."""
        return self._value("", found)

    def _summary(self, found: Json, *, decode: bool) -> Json:
        """Return what may be known of an object whose data are secret: names and sizes."""
        kept: Json = {
            key: found[key]
            for key in ("apiVersion", "kind", "metadata", "type", "immutable")
            if key in found
        }
        data = {
            **_sizes(found.get("data"), decode=decode),
            **_sizes(found.get("binaryData"), decode=True),
        }
        sizes = {self._string(key): size for key, size in data.items()}
        return {**self._whole(kept), "bytesOfKeys": sizes}

    def _metadata(self, metadata: Any) -> Any:
        if not isinstance(metadata, dict):
            return {}
        kept = {key: each for key, each in metadata.items() if key != MANAGED_FIELDS}
        annotations = kept.get("annotations")
        if isinstance(annotations, dict):
            kept["annotations"] = {
                key: each for key, each in annotations.items() if key != LAST_APPLIED
            }
        return self._value("metadata", kept)

    def _value(self, name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return self._mapping(value)
        if isinstance(value, list):
            return self._list(name, value)
        if isinstance(value, str):
            return self._named(name, value)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return self._named(name, str(value)) if is_number and names.is_secret(name) else value

    def _mapping(self, value: Mapping[str, Any]) -> Json:
        # A pod's template within another object has metadata of its own.
        if "metadata" in value and isinstance(value["metadata"], dict):
            rest = {key: each for key, each in value.items() if key != "metadata"}
            return {"metadata": self._metadata(value["metadata"]), **self._mapping(rest)}
        name = value.get("name")
        if isinstance(name, str) and isinstance(value.get("value"), str) and names.is_secret(name):
            value = {**value, "value": self._marker("value", value["value"])}
        return {self._string(key): self._value(key, each) for key, each in value.items()}

    def _list(self, name: str, value: list[Any]) -> list[Any]:
        if name == "env":
            return [self._variable(each) for each in value]
        if name == "httpHeaders":
            return [self._header(each) for each in value]
        if name in WORD_LISTS and all(isinstance(each, str) for each in value):
            return list(self._words(value))
        return [self._value(name, each) for each in value]

    def _variable(self, entry: Any) -> Any:
        if not isinstance(entry, dict) or not isinstance(entry.get("value"), str):
            return self._value("", entry)
        if str(entry.get("name")) in names.ENVIRONMENT:
            return self._value("", entry)
        return {**self._mapping(entry), "value": self._marker("env", entry["value"])}

    def _header(self, entry: Any) -> Any:
        if not isinstance(entry, dict) or str(entry.get("name")).lower() in names.HEADERS:
            return self._value("", entry)
        return {**self._mapping(entry), "value": self._marker("header", str(entry.get("value")))}

    def _words(self, words: Iterable[str]) -> Iterable[str]:
        flag = ""
        for word in words:
            is_value = names.is_secret(flag) and not word.startswith("-")
            yield self._named(flag, word) if is_value else self._string(word)
            flag = word if word.startswith("-") and "=" not in word else ""

    def _named(self, name: str, value: str) -> str:
        """Return the value under a name, unless the name or the value is that of a secret."""
        if names.is_secret(name) and not names.is_harmless(value.encode(errors="replace")):
            return self._marker("value", value)
        return self._string(value)

    def _string(self, value: str) -> str:
        return value if len(value) < SHORTEST_TEXT else self._text(value)

    def _marker(self, kind: str, value: str) -> str:
        if not value:
            return value
        # A value of a Secret says so itself.
        known = self._string(value)
        if known.startswith("<redacted:secret:") and known.count("<") == 1 and known[-1] == ">":
            return known
        return self._redactor.markers.of_value(kind, value.encode(errors="replace")).decode()


def _sizes(data: Any, *, decode: bool) -> dict[str, int]:
    if not isinstance(data, dict):
        return {}
    return {key: len(_bytes(str(each), decode=decode)) for key, each in data.items()}


def _bytes(text: str, *, decode: bool) -> bytes:
    return base64.b64decode(text) if decode else text.encode(errors="replace")


def _is_public(found: Json) -> bool:
    metadata = found.get("metadata") or {}
    place = (str(metadata.get("namespace")), str(metadata.get("name")))
    return place in PUBLIC_CONFIG_MAPS or place[1] == ROOT_CA
