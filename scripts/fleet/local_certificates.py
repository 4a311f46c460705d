"""Certificates on this host: those of kubeconfigs that `fleet` wrote, and the program's own."""

import base64
from collections.abc import Collection, Iterator
from pathlib import Path

import yaml

from model import paths
from model.pki.ledger import Certificate, Ledger
from model.pki.ledger_facts import Place, local_certificate
from scripts.fleet import access, kubeconfig


def read(stack: str, clusters: Collection[str], place: Place) -> Ledger:
    """Return the certificates of a stack on this host, of these clusters or of all."""
    people = [*_folder(access.FOLDER / stack)]
    if kubeconfig.owner(access.KUBECONFIG) == stack:
        people.append(access.KUBECONFIG)
    program = _folder(paths.identities_dir() / stack)
    found = [*_entries(people, place, is_person=True), *_entries(program, place, is_person=False)]
    selected = [entry for entry in found if not clusters or entry.cluster in clusters]
    return Ledger(time=place.now, certificates=tuple(selected))


def _folder(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _entries(files: Collection[Path], place: Place, *, is_person: bool) -> Iterator[Certificate]:
    """Yield an entry for each certificate, with all files that it is in."""
    stored: dict[tuple[str, str, bytes], list[str]] = {}
    for file in files:
        for cluster, user, pem in _credentials(file):
            stored.setdefault((cluster, user, pem), []).append(str(file))
    for (cluster, user, pem), places in stored.items():
        yield local_certificate(place, cluster, user, places, pem, is_person=is_person)


def _credentials(file: Path) -> Iterator[tuple[str, str, bytes]]:
    """Yield cluster, user and certificate of each context that authenticates with one."""
    for cluster, text in kubeconfig.read_clusters(file).items():
        (user,) = yaml.safe_load(text)["users"]
        if data := user["user"].get("client-certificate-data"):
            yield cluster, user["name"], base64.b64decode(data)
