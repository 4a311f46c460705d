"""The ledger of one machine, from what scripts/node/certificate_facts.sh prints."""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from model.pki.account_tokens import key_id_of
from model.pki.ledger import (
    AUTHORITY_WARNING,
    Certificate,
    Key,
    Ledger,
    MissingFile,
    Renewal,
    RenewalFailure,
    status_of,
)
from model.pki.machine_certificates import (
    CLUSTER_CA,
    MachineCertificates,
    common_name,
    extension,
    is_authority,
    leaf_name,
)
from model.report import Unreadable
from model.rotation_phases import SERVICE_ACCOUNT

SSH = PurePosixPath("/etc/ssh")
LAST_LINE = "complete"


@dataclass(frozen=True)
class Place:
    """A machine, and how its certificates are judged (`status_of`)."""

    cluster: str
    node: str
    now: datetime
    threshold: timedelta | None = None
    warn_before: timedelta = AUTHORITY_WARNING


def machine_ledger(place: Place, lines: Sequence[str]) -> Ledger:
    """Return the ledger of one machine."""
    if LAST_LINE not in lines[-1:]:
        return unreadable(place, "its response was incomplete")
    stored = MachineCertificates.parse(lines)
    return Ledger(
        time=place.now,
        certificates=tuple(_entries(place, stored)),
        missing=tuple(
            MissingFile(
                cluster=place.cluster,
                node=place.node,
                name=leaf_name(path, stored.users[path]),
                path=path,
                users=tuple(stored.users[path]),
            )
            for path in sorted(stored.missing)
        ),
        keys=tuple(_key(place, line) for line in lines if line.startswith("key\t")),
        renewals=tuple(_renewal(place, line) for line in lines if line.startswith("renewal\t")),
        failures=tuple(_failure(place, line) for line in lines if line.startswith("failure\t")),
        unreadable=tuple(
            _unreadable(place, f"{path}: not a certificate") for path in stored.damaged
        ),
    )


def unreadable(place: Place, reason: str) -> Ledger:
    """Return the ledger of a machine that could not be read."""
    return Ledger(time=place.now, unreadable=(_unreadable(place, reason),))


def local_certificate(
    place: Place,
    cluster: str,
    user: str,
    certificate: x509.Certificate,
    authorities: Iterable[x509.Certificate],
    paths: list[str],
    *,
    is_person: bool,
) -> Certificate:
    """Return the certificate of a kubeconfig's user on this host, a person or the program.

    `authorities` are the cluster's CAs, which have the name here that they have on machines.
    """
    signers = {
        (authority.subject, _subject_key(authority)): CLUSTER_CA for authority in authorities
    }
    own = replace(place, cluster=cluster)
    # The program's context has the name of the administrator's.
    name = user if is_person else f"{cluster}-program"
    entry = _entry(own, certificate, name, paths, _signer(certificate, signers))
    return entry.model_copy(update={"kind": "kubeconfig"}) if is_person else entry


def served_certificate(place: Place, cluster: str, name: str, pem: str, secret: str) -> Certificate:
    """Return the certificate (PEM) that an add-on serves with, from a Secret NAMESPACE/NAME."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    return _entry(
        replace(place, cluster=cluster), certificate, name, [f"Secret {secret}"], CLUSTER_CA
    )


def _entries(place: Place, stored: MachineCertificates) -> Iterator[Certificate]:
    names = stored.names
    signers = {
        (certificate.subject, _subject_key(certificate)): name
        for certificate, name in names.items()
        if is_authority(certificate)
    }
    for certificate, paths in stored.found.values():
        signer = _signer(certificate, signers)
        yield _entry(place, certificate, names[certificate], paths, signer)


def _entry(
    place: Place, certificate: x509.Certificate, name: str, paths: list[str], authority: str
) -> Certificate:
    may_sign = is_authority(certificate)
    before, after = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return Certificate(
        cluster=place.cluster,
        node=place.node,
        name=name,
        kind="authority" if may_sign else "leaf",
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
            before,
            after,
            now=place.now,
            is_authority=may_sign,
            threshold=place.threshold,
            warn_before=place.warn_before,
        ),
    )


def _signer(
    certificate: x509.Certificate, signers: Mapping[tuple[x509.Name, bytes | None], str]
) -> str:
    """Return the name of the CA that signed it, or of its subject if that is not on the machine."""
    if certificate.issuer == certificate.subject and is_authority(certificate):
        return ""
    identifier = extension(certificate, x509.AuthorityKeyIdentifier)
    key = identifier.key_identifier if identifier else None
    return signers.get((certificate.issuer, key), common_name(certificate.issuer))


def _subject_key(certificate: x509.Certificate) -> bytes | None:
    identifier = extension(certificate, x509.SubjectKeyIdentifier)
    return identifier.digest if identifier else None


def _alternative_names(certificate: x509.Certificate) -> tuple[str, ...]:
    names = extension(certificate, x509.SubjectAlternativeName)
    return tuple(str(name.value) for name in names) if names else ()


def _key(place: Place, line: str) -> Key:
    _, path, seconds, public = line.split("\t")
    return Key(
        cluster=place.cluster,
        node=place.node,
        name=_key_name(PurePosixPath(path)),
        path=path,
        written=datetime.fromtimestamp(int(seconds), UTC),
        fingerprint=_fingerprint(PurePosixPath(path), public) if public else "",
    )


def _key_name(path: PurePosixPath) -> str:
    if path.is_relative_to(SSH):
        return path.name
    return SERVICE_ACCOUNT if path.name == "sa.key" else "encryption-at-rest"


def _fingerprint(path: PurePosixPath, public: str) -> str:
    """Return an SSH key's fingerprint as `ssh-keygen -l` prints it; of another, that of tokens."""
    if not path.is_relative_to(SSH):
        return key_id_of(base64.b64decode(public))
    digest = hashlib.sha256(base64.b64decode(public.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def _renewal(place: Place, line: str) -> Renewal:
    _, subject, time, _, details = line.split("\t")
    return Renewal(
        cluster=place.cluster,
        node=place.node,
        subject=subject,
        time=datetime.fromisoformat(time),
        details=details,
    )


def _failure(place: Place, line: str) -> RenewalFailure:
    _, subject, reason = line.split("\t")
    return RenewalFailure(cluster=place.cluster, node=place.node, subject=subject, reason=reason)


def _unreadable(place: Place, reason: str) -> Unreadable:
    return Unreadable(cluster=place.cluster, node=place.node, reason=reason)
