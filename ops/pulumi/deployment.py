"""A stack's state as the engine exports it, with its secrets in plaintext.

Commands that run no program read from it what the program would know: above all the keys of the
CAs, of which the state holds the only copy.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from model.pki import certificates
from model.pki.certificates import KeyPair
from model.rotation_phases import SWITCH

if TYPE_CHECKING:
    from ops.kube.identity import Identity

# How the engine marks a value that is secret.
SIGNATURE = "4dabf18193072939515e22adb298388d"
STACK = "pulumi:pulumi:Stack"
DYNAMIC = "pulumi-python:dynamic/kubeadm-fleet:"


@dataclass(frozen=True)
class StateResource:
    """A resource of the state; of a dynamic one, `kind` is the name of its class."""

    kind: str
    name: str
    id: str
    outputs: Mapping[str, Any] = field(repr=False)


class Deployment:
    """The resources of a state."""

    def __init__(self, export: str) -> None:
        found = json.loads(export).get("deployment") or {}
        self.resources = tuple(map(_resource, found.get("resources") or ()))

    def of_kind(self, kind: str) -> Iterator[StateResource]:
        """Yield the resources of a kind, such as "CertificateAuthority"."""
        return (resource for resource in self.resources if resource.kind == kind)

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The stack's outputs."""
        return next((stack.outputs for stack in self.of_kind(STACK)), {})

    @cached_property
    def authorities(self) -> dict[str, KeyPair]:
        """The CAs, by the fingerprints of their certificates, with the other ones of rotations."""
        return {
            certificates.fingerprint(pair.cert_pem): pair for pairs in self._pairs for pair in pairs
        }

    @property
    def _pairs(self) -> Iterator[list[KeyPair]]:
        """Yield the CAs of each resource: two during a rotation."""
        for found in self.of_kind("CertificateAuthority"):
            pairs = [_signing(found)]
            if found.outputs.get("other_certificate"):
                pairs.append(_other(found))
            yield pairs

    def authority(self, name: str) -> KeyPair:
        """Return the CA whose resource has this name."""
        return next(
            _signing(found) for found in self.of_kind("CertificateAuthority") if found.name == name
        )

    def authority_of(self, identity: "Identity") -> tuple[KeyPair, str] | None:
        """Return the CA that issues a credential for an identity, and all that are trusted.

        It is the predecessor during a rotation: machines trust it whichever phase they are in.
        """
        for found in self.of_kind("CertificateAuthority"):
            if found.id == identity["authority"]:
                outputs = found.outputs
                is_switched = outputs["phase"] == SWITCH
                return (_other if is_switched else _signing)(found), outputs["bundle"]
        return None

    @property
    def identities(self) -> "list[Identity]":
        """The program's identities that resources refer to, each once."""
        given = (found.outputs.get("identity") for found in self.resources)
        found = {json.dumps(one, sort_keys=True): one for one in given if isinstance(one, dict)}
        return [cast("Identity", one) for one in found.values()]


def _signing(authority: StateResource) -> KeyPair:
    return KeyPair(authority.outputs["certificate"], authority.outputs["private_key"])


def _other(authority: StateResource) -> KeyPair:
    return KeyPair(authority.outputs["other_certificate"], authority.outputs["other_private_key"])


def _resource(found: Mapping[str, Any]) -> StateResource:
    return StateResource(
        kind=found["type"].removeprefix(DYNAMIC),
        name=found["urn"].rpartition("::")[2],
        id=found.get("id", ""),
        outputs=_plain(found.get("outputs") or {}),
    )


def _plain(value: Any) -> Any:
    """Return a value of the export without the marks of its secrets."""
    if isinstance(value, dict):
        if SIGNATURE in value and "plaintext" in value:
            return _plain(json.loads(value["plaintext"]))
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
