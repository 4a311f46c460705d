"""The ledger of one machine, from what scripts/node/certificate_facts.sh prints."""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from model.pki.ledger import Certificate, Key, Ledger, MissingFile, status_of
from model.report import Unreadable

KUBERNETES = PurePosixPath("/etc/kubernetes")
PKI = KUBERNETES / "pki"
KUBELET_PKI = PurePosixPath("/var/lib/kubelet/pki")
SSH = PurePosixPath("/etc/ssh")


@dataclass(frozen=True)
class Place:
    """A machine, and how its certificates are judged."""

    cluster: str
    node: str
    now: datetime
    threshold: timedelta | None = None


@dataclass
class _Facts:
    """What a machine printed: certificates with the files that they are in, and other lines."""

    found: dict[bytes, tuple[x509.Certificate, list[str]]] = field(default_factory=dict)
    users: dict[str, list[str]] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    keys: list[tuple[str, int, str]] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    is_complete: bool = False

    def count_in(self, path: str) -> int:
        """Return how many certificates a file holds."""
        return sum(path in paths for _, paths in self.found.values())


def machine_ledger(place: Place, lines: Iterable[str]) -> Ledger:
    """Return the ledger of one machine."""
    facts = _parse(lines)
    if not facts.is_complete:
        return unreadable(place, "its response was incomplete")
    return Ledger(
        time=place.now,
        certificates=_certificates(place, facts),
        missing=tuple(
            MissingFile(
                cluster=place.cluster,
                node=place.node,
                name=name_of(path, facts.users[path], is_authority=False),
                path=path,
                users=tuple(facts.users[path]),
            )
            for path in sorted(facts.missing)
        ),
        keys=tuple(_key(place, *key) for key in facts.keys),
        unreadable=tuple(
            _unreadable(place, f"{path}: not a certificate") for path in facts.damaged
        ),
    )


def unreadable(place: Place, reason: str) -> Ledger:
    """Return the ledger of a machine that could not be read."""
    return Ledger(time=place.now, unreadable=(_unreadable(place, reason),))


def local_certificate(
    place: Place, cluster: str, user: str, paths: list[str], pem: bytes, *, is_person: bool
) -> Certificate:
    """Return the certificate of a kubeconfig's user on this host, a person or the program."""
    certificate = x509.load_pem_x509_certificate(pem)
    own = replace(place, cluster=cluster)
    entry = _entry(own, certificate, user, paths, authority=_common_name(certificate.issuer))
    return entry.model_copy(update={"kind": "kubeconfig"}) if is_person else entry


def name_of(path: str, users: Iterable[str], *, is_authority: bool) -> str:
    """Return a certificate's name: its kubeconfig's, or that of its file in kubeadm's style."""
    file = PurePosixPath(path)
    kubeconfigs = [user for user in users if user.endswith(".conf")]
    if kubeconfigs and not is_authority:
        return kubeconfigs[0]
    if file.suffix == ".conf":
        return file.name
    for folder, prefix in ((PKI, ""), (KUBELET_PKI, "kubelet-"), (KUBERNETES, "")):
        if file.is_relative_to(folder):
            name = "-".join(file.relative_to(folder).with_suffix("").parts)
            return prefix + name.removeprefix(prefix)
    return path


def _parse(lines: Iterable[str]) -> _Facts:
    facts = _Facts()
    for line in lines:
        kind, *fields = line.split("\t")
        if kind in ("certificate", "embedded"):
            path, text = fields
            _add(facts, path, _loaded(kind, text))
        elif kind == "use":
            user, path, state = fields
            facts.users.setdefault(path, []).append(user)
            if state == "missing":
                facts.missing.add(path)
        elif kind == "key":
            path, seconds, public = fields
            facts.keys.append((path, int(seconds), public))
        elif kind == "complete":
            facts.is_complete = True
    return facts


def _loaded(kind: str, text: str) -> list[x509.Certificate]:
    """Return the certificates of a line; none if they are damaged."""
    try:
        content = base64.b64decode(text)
        if kind == "embedded":
            return x509.load_pem_x509_certificates(content)
        return [x509.load_der_x509_certificate(content)]
    except ValueError:
        return []


def _add(facts: _Facts, path: str, certificates: list[x509.Certificate]) -> None:
    if not certificates:
        facts.damaged.append(path)
    for certificate in certificates:
        digest = certificate.fingerprint(hashes.SHA256())
        paths = facts.found.setdefault(digest, (certificate, []))[1]
        if path not in paths:
            paths.append(path)


def _certificates(place: Place, facts: _Facts) -> tuple[Certificate, ...]:
    """Return the entries; certificates whose names would be the same are distinguished."""
    named = [
        (certificate, paths, _name(certificate, paths, facts))
        for certificate, paths in facts.found.values()
    ]
    counts = Counter(name for _, _, name in named)
    names = {
        certificate: name if counts[name] == 1 else f"{name} ({_distinction(certificate, paths)})"
        for certificate, paths, name in named
    }
    signers = {
        (certificate.subject, _subject_key(certificate)): name
        for certificate, name in names.items()
        if _is_authority(certificate)
    }
    return tuple(
        _entry(place, certificate, names[certificate], paths, _signer(certificate, signers))
        for certificate, paths, _ in named
    )


def _name(certificate: x509.Certificate, paths: list[str], facts: _Facts) -> str:
    """Return the name; a CA that is only in a bundle of several is named by its subject as well."""
    # Data of a kubeconfig is a copy of what is in pki, if it is there.
    best = min(paths, key=lambda path: (path.endswith(".conf"), path.count("/"), path))
    if _is_authority(certificate):
        name = name_of(best, (), is_authority=True)
        in_bundle = len(paths) == 1 and facts.count_in(best) > 1
        return f"{name} ({_common_name(certificate.subject)})" if in_bundle else name
    own = [PurePosixPath(path).name for path in paths if path.endswith(".conf")]
    named = [user for path in paths for user in facts.users.get(path, ())]
    return name_of(best, [*own, *named], is_authority=False)


def _distinction(certificate: x509.Certificate, paths: list[str]) -> str:
    if _is_authority(certificate):
        return certificate.fingerprint(hashes.SHA256()).hex()[:8]
    return PurePosixPath(paths[0]).name


def _entry(
    place: Place, certificate: x509.Certificate, name: str, paths: list[str], authority: str
) -> Certificate:
    is_authority = _is_authority(certificate)
    before, after = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return Certificate(
        cluster=place.cluster,
        node=place.node,
        name=name,
        kind="authority" if is_authority else "leaf",
        paths=tuple(paths),
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        authority=authority,
        serial_number=f"{certificate.serial_number:x}",
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        names=_alternative_names(certificate),
        not_before=before,
        not_after=after,
        status=status_of(
            before, after, now=place.now, is_authority=is_authority, threshold=place.threshold
        ),
    )


def _signer(
    certificate: x509.Certificate, signers: Mapping[tuple[x509.Name, bytes | None], str]
) -> str:
    """Return the name of the CA that signed it, or of its subject if that is not on the machine."""
    if certificate.issuer == certificate.subject and _is_authority(certificate):
        return ""
    identifier = _extension(certificate, x509.AuthorityKeyIdentifier)
    key = identifier.key_identifier if identifier else None
    return signers.get((certificate.issuer, key), _common_name(certificate.issuer))


def _is_authority(certificate: x509.Certificate) -> bool:
    constraints = _extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def _subject_key(certificate: x509.Certificate) -> bytes | None:
    identifier = _extension(certificate, x509.SubjectKeyIdentifier)
    return identifier.digest if identifier else None


def _alternative_names(certificate: x509.Certificate) -> tuple[str, ...]:
    names = _extension(certificate, x509.SubjectAlternativeName)
    return tuple(str(name.value) for name in names) if names else ()


def _extension(
    certificate: x509.Certificate, kind: type[x509.extensions.ExtensionTypeVar]
) -> "x509.extensions.ExtensionTypeVar | None":
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _common_name(name: x509.Name) -> str:
    attributes = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(attributes[0].value) if attributes else name.rfc4514_string()


def _key(place: Place, path: str, seconds: int, public: str) -> Key:
    return Key(
        cluster=place.cluster,
        node=place.node,
        name=_key_name(PurePosixPath(path)),
        path=path,
        written=datetime.fromtimestamp(seconds, UTC),
        fingerprint=_fingerprint(public) if public else "",
    )


def _key_name(path: PurePosixPath) -> str:
    if path.is_relative_to(SSH):
        return path.name
    return "service-account" if path.name == "sa.key" else "encryption-at-rest"


def _fingerprint(public: str) -> str:
    """Return an SSH key's fingerprint as `ssh-keygen -l` prints it."""
    digest = hashlib.sha256(base64.b64decode(public.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def _unreadable(place: Place, reason: str) -> Unreadable:
    return Unreadable(cluster=place.cluster, node=place.node, reason=reason)
