"""Certificates on this host: those of kubeconfigs that `fleet` wrote, and the program's own."""

import base64
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from cryptography import x509

from model import paths
from model.pki.ledger import Certificate, Ledger
from model.pki.ledger_facts import Place, local_certificate
from model.report import Unreadable
from ops.errors import OperatorError, text_of
from scripts.fleet import access, kubeconfig

_Credential = tuple[str, str, x509.Certificate, tuple[x509.Certificate, ...]]


def read(stack: str, clusters: Collection[str], place: Place) -> Ledger:
    """Return the certificates of a stack on this host, of these clusters or of all."""
    people = [*_folder(access.FOLDER / stack)]
    if kubeconfig.owner(access.KUBECONFIG) == stack:
        people.append(access.KUBECONFIG)
    found = _Found(place)
    found.add(people, is_person=True)
    found.add(_folder(paths.identities_dir() / stack), is_person=False)
    selected = [entry for entry in found.entries if not clusters or entry.cluster in clusters]
    return Ledger(time=place.now, certificates=tuple(selected), unreadable=tuple(found.unreadable))


def _folder(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


@dataclass
class _Found:
    """Entries of files; one that cannot be read does not hide the others."""

    place: Place
    entries: list[Certificate] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)

    def add(self, files: Collection[Path], *, is_person: bool) -> None:
        """Add an entry for each certificate, with all files that it is in."""
        stored: dict[_Credential, list[str]] = {}
        for file in files:
            try:
                for credential in _credentials(file):
                    stored.setdefault(credential, []).append(str(file))
            except (OperatorError, OSError, ValueError) as error:
                self.unreadable.append(Unreadable(cluster="-", node="", reason=text_of(error)))
        for credential, places in stored.items():
            self.entries.append(
                local_certificate(self.place, *credential, places, is_person=is_person)
            )


def _credentials(file: Path) -> Iterator[_Credential]:
    """Yield cluster, user, certificate and CAs of each context that authenticates with one."""
    for cluster, text in kubeconfig.read_clusters(file).items():
        config = yaml.safe_load(text)
        (user,), (entry,) = config["users"], config["clusters"]
        if data := user["user"].get(kubeconfig.CERTIFICATE):
            certificate = x509.load_pem_x509_certificate(base64.b64decode(data))
            trusted = base64.b64decode(entry["cluster"].get(kubeconfig.AUTHORITY, ""))
            authorities = x509.load_pem_x509_certificates(trusted) if trusted else ()
            yield cluster, user["name"], certificate, tuple(authorities)
