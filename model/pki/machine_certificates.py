"""The certificates of one machine and their names, from scripts/node/certificate_facts.sh."""

import base64
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from model import rotation_phases

KUBERNETES = PurePosixPath("/etc/kubernetes")
PKI = KUBERNETES / "pki"
KUBELET_PKI = PurePosixPath("/var/lib/kubelet/pki")
# The name of the cluster's CA, that of its file.
CLUSTER_CA = rotation_phases.CA


@dataclass(frozen=True)
class Expiry:
    """When a certificate expires, and its name."""

    time: datetime
    name: str


@dataclass
class MachineCertificates:
    """Certificates with the files that they are in; `users` and `missing` are of files, by path."""

    found: dict[bytes, tuple[x509.Certificate, list[str]]] = field(default_factory=dict)
    users: dict[str, list[str]] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    damaged: list[str] = field(default_factory=list)

    @classmethod
    def parse(cls, lines: Iterable[str]) -> "MachineCertificates":
        """Parse the lines about certificates, and ignore others."""
        parsed = cls()
        for line in lines:
            kind, *fields = line.split("\t")
            if kind in ("certificate", "embedded"):
                path, text = fields
                parsed._add(path, _loaded(kind, text))
            elif kind == "use":
                user, path, state = fields
                parsed.users.setdefault(path, []).append(user)
                if state == "missing":
                    parsed.missing.add(path)
        return parsed

    @property
    def soonest(self) -> Expiry | None:
        """The one that expires first."""
        expiries = [
            Expiry(certificate.not_valid_after_utc, name)
            for certificate, name in self.names.items()
        ]
        return min(expiries, key=lambda expiry: expiry.time, default=None)

    def at(self, path: str) -> x509.Certificate | None:
        """The leaf certificate in a file."""
        its = (certificate for certificate in self.all_at(path) if not is_authority(certificate))
        return next(its, None)

    def all_at(self, path: str) -> list[x509.Certificate]:
        """All certificates in a file, in no order."""
        return [certificate for certificate, paths in self.found.values() if path in paths]

    @property
    def names(self) -> dict[x509.Certificate, str]:
        """Each certificate's name; those that would have the same one are distinguished."""
        named = [
            (certificate, paths, self._name(certificate, paths))
            for certificate, paths in self.found.values()
        ]
        counts = Counter(name for _, _, name in named)
        return {
            certificate: name
            if counts[name] == 1
            else f"{name} ({_distinction(certificate, paths)})"
            for certificate, paths, name in named
        }

    def _add(self, path: str, certificates: list[x509.Certificate]) -> None:
        if not certificates:
            self.damaged.append(path)
        for certificate in certificates:
            digest = certificate.fingerprint(hashes.SHA256())
            paths = self.found.setdefault(digest, (certificate, []))[1]
            if path not in paths:
                paths.append(path)

    def _name(self, certificate: x509.Certificate, paths: list[str]) -> str:
        """Return the name; a CA that is only in a bundle of several has its subject in it."""
        # Data of a kubeconfig is a copy of what is in pki, if it is there.
        best = min(paths, key=lambda path: (path.endswith(".conf"), path.count("/"), path))
        if is_authority(certificate):
            in_file = sum(best in places for _, places in self.found.values())
            name, subject = file_name(best), common_name(certificate.subject)
            is_one_of_many = len(paths) == 1 and in_file > 1 and subject != name
            return f"{name} ({subject})" if is_one_of_many else name
        own = [PurePosixPath(path).name for path in paths if path.endswith(".conf")]
        named = [user for path in paths for user in self.users.get(path, ())]
        return leaf_name(best, [*own, *named])


def leaf_name(path: str, users: Iterable[str]) -> str:
    """Return a leaf's name: that of its kubeconfig, or else of its file."""
    kubeconfigs = [user for user in users if user.endswith(".conf")]
    return kubeconfigs[0] if kubeconfigs else file_name(path)


def file_name(path: str) -> str:
    """Return a file's name in kubeadm's style."""
    file = PurePosixPath(path)
    if file.suffix == ".conf":
        return file.name
    for folder, prefix in ((PKI, ""), (KUBELET_PKI, "kubelet-"), (KUBERNETES, "")):
        if file.is_relative_to(folder):
            name = "-".join(file.relative_to(folder).with_suffix("").parts)
            return name if name.startswith("kubelet") else prefix + name
    return path


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether it may sign others."""
    constraints = extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def common_name(name: x509.Name) -> str:
    """Return the common name, or all of it if it has none."""
    attributes = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(attributes[0].value) if attributes else name.rfc4514_string()


def issuer_key(certificate: x509.Certificate) -> str:
    """Return the identifier of the key that signed it, in hex; "" if it does not say so."""
    found = extension(certificate, x509.AuthorityKeyIdentifier)
    return (found.key_identifier or b"").hex() if found else ""


def extension(
    certificate: x509.Certificate, kind: type[x509.extensions.ExtensionTypeVar]
) -> "x509.extensions.ExtensionTypeVar | None":
    """Return an extension, if the certificate has it."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _loaded(kind: str, text: str) -> list[x509.Certificate]:
    """Return the certificates of a line; none if they are damaged."""
    try:
        content = base64.b64decode(text)
        if kind == "embedded":
            return x509.load_pem_x509_certificates(content)
        return [x509.load_der_x509_certificate(content)]
    except ValueError:
        return []


def _distinction(certificate: x509.Certificate, paths: list[str]) -> str:
    if is_authority(certificate):
        return certificate.fingerprint(hashes.SHA256()).hex()[:8]
    return PurePosixPath(paths[0]).name
