"""The kubeconfigs in the checkout: one file per stack, and one per cluster.

`./kubeconfig` belongs to one stack, which it names; another stack's is never replaced unasked.
`kubeconfigs/<stack>/<cluster>` has one context each, as kubie and kubeswitch expect.
"""

import base64
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from model.pki import certificates
from model.pki.certificates import KeyPair
from model.render import kubeconfig as kubeconfigs
from ops.errors import OperatorError
from ops.private_file import make_private_folder, write_private

# An extension, because kubectl keeps it when it rewrites the file; a comment would be lost.
EXTENSION = "kubeadm-fleet"
AUTHORITY, CERTIFICATE, KEY = (
    "certificate-authority-data",
    "client-certificate-data",
    "client-key-data",
)
Entry = dict[str, Any]


def split(kubeconfig: str) -> dict[str, str]:
    """Return a kubeconfig for each context, by cluster name."""
    config: dict[str, Any] = yaml.safe_load(kubeconfig)
    clusters = {entry["name"]: entry for entry in config["clusters"]}
    users = {entry["name"]: entry for entry in config["users"]}
    kubeconfigs = {}
    for context in config["contexts"]:
        cluster, user = context["context"]["cluster"], context["context"]["user"]
        single = {
            **config,
            "current-context": context["name"],
            "clusters": [clusters[cluster]],
            "users": [users[user]],
            "contexts": [context],
        }
        kubeconfigs[cluster] = yaml.safe_dump(single, sort_keys=False)
    return kubeconfigs


def renewed(kubeconfig: str, authorities: Mapping[str, KeyPair]) -> str:
    """Return a kubeconfig with other client certificates for the same users, issued now.

    `authorities` are CAs by their fingerprints; certificates of other CAs stay.
    """
    config: dict[str, Any] = yaml.safe_load(kubeconfig)
    for cluster, user in _with_certificates(config):
        authority = authorities.get(certificates.fingerprint(_decoded(cluster[AUTHORITY])))
        if authority is not None:
            pair = certificates.reissue_client(authority, _decoded(user[CERTIFICATE]))
            user[CERTIFICATE], user[KEY] = _encoded(pair.cert_pem), _encoded(pair.key_pem)
    return yaml.safe_dump(config, sort_keys=False)


def is_due(kubeconfig: str) -> bool:
    """Whether a client certificate is to be renewed."""
    return any(map(certificates.is_due, _client_certificates(kubeconfig)))


def renewal_time(kubeconfig: str) -> datetime | None:
    """Return when its first client certificate is to be renewed; None if it has none."""
    return min(map(certificates.renewal_time, _client_certificates(kubeconfig)), default=None)


def has_expired(kubeconfig: str) -> bool:
    """Whether a client certificate cannot be used any more."""
    expires = expiry(kubeconfig)
    return expires is not None and expires <= datetime.now(UTC)


def expiry(kubeconfig: str) -> datetime | None:
    """Return when its first client certificate expires; None if it has none."""
    return min(map(certificates.expiry, _client_certificates(kubeconfig)), default=None)


def validity(kubeconfigs: Iterable[str], command: str) -> str:
    """Return until when they can be used, and the command that writes others, as a clause."""
    if expires := min(filter(None, map(expiry, kubeconfigs)), default=None):
        return f" until {expires:%Y-%m-%d %H:%M} UTC (then run `{command}` again)"
    return ""


def _client_certificates(kubeconfig: str) -> list[str]:
    config = yaml.safe_load(kubeconfig)
    return [_decoded(user[CERTIFICATE]) for _, user in _with_certificates(config)]


def _with_certificates(
    config: Mapping[str, Any],
) -> Iterator[tuple[Entry, Entry]]:
    """Yield the cluster and the user of each context that embeds its certificates."""
    clusters = {entry["name"]: entry["cluster"] for entry in config["clusters"]}
    users = {entry["name"]: entry["user"] for entry in config["users"]}
    for context in config["contexts"]:
        cluster, user = clusters[context["context"]["cluster"]], users[context["context"]["user"]]
        if AUTHORITY in cluster and CERTIFICATE in user:
            yield cluster, user


def _decoded(data: str) -> str:
    return base64.b64decode(data).decode()


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def for_user(clusters: Mapping[str, str], user: str, pair: KeyPair) -> str:
    """Return one kubeconfig for a person, from the administrator's of each of their clusters."""
    entries = [
        (name, yaml.safe_load(text)["clusters"][0]["cluster"]) for name, text in clusters.items()
    ]
    return kubeconfigs.render(
        [
            kubeconfigs.Context(
                name, entry["server"], _decoded(entry[AUTHORITY]), pair.cert_pem, pair.key_pem, user
            )
            for name, entry in entries
        ]
    )


def read_clusters(path: Path) -> dict[str, str]:
    """Return the kubeconfigs of a file that `fleet` wrote, by cluster name."""
    try:
        return split(path.read_text(encoding="utf-8"))
    except (ValueError, KeyError, TypeError, yaml.YAMLError):
        raise OperatorError(
            f"{path} is not a kubeconfig: remove it and run `fleet kubeconfig`"
        ) from None


def select(kubeconfig: str, clusters: Collection[str]) -> str:
    """Return the kubeconfig with these clusters only, or with all of them if none is named."""
    if not clusters:
        return kubeconfig
    config: dict[str, Any] = yaml.safe_load(kubeconfig)
    contexts = [entry for entry in config["contexts"] if entry["context"]["cluster"] in clusters]
    users = {entry["context"]["user"] for entry in contexts}
    if config["current-context"] not in {entry["name"] for entry in contexts}:
        config["current-context"] = contexts[0]["name"]
    config["clusters"] = [entry for entry in config["clusters"] if entry["name"] in clusters]
    config["users"] = [entry for entry in config["users"] if entry["name"] in users]
    config["contexts"] = contexts
    return yaml.safe_dump(config, sort_keys=False)


def write(path: Path, kubeconfig: str, stack: str) -> None:
    """Write the kubeconfig (mode 0600) with the name of its stack."""
    config: dict[str, Any] = yaml.safe_load(kubeconfig)
    config["extensions"] = [{"name": EXTENSION, "extension": {"stack": stack}}]
    write_private(path, yaml.safe_dump(config, sort_keys=False))


def owner(path: Path) -> str | None:
    """Return the stack that owns a kubeconfig; None if it is missing or a foreign file."""
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        (stack,) = [e["extension"]["stack"] for e in config["extensions"] if e["name"] == EXTENSION]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError):
        return None
    return str(stack)


def remove(path: Path, stack: str) -> bool:
    """Remove the stack's kubeconfig; return whether there was one."""
    if owner(path) != stack:
        return False
    path.unlink()
    return True


def write_each(folder: Path, kubeconfig: str, stack: str) -> list[Path]:
    """Write a file for each cluster into `folder`/<stack>; remove those of former clusters."""
    of_stack = folder / stack
    for private in (folder, of_stack):
        make_private_folder(private)
    kubeconfigs = split(kubeconfig)
    for cluster, text in kubeconfigs.items():
        write(of_stack / cluster, text, stack)
    for path in of_stack.iterdir():
        if path.name not in kubeconfigs:
            remove(path, stack)
    return [of_stack / cluster for cluster in kubeconfigs]


def remove_each(folder: Path, stack: str) -> list[Path]:
    """Remove the files of a stack's clusters, and folders that become empty."""
    of_stack = folder / stack
    if not of_stack.is_dir():
        return []
    removed = [path for path in sorted(of_stack.iterdir()) if remove(path, stack)]
    for maybe_empty in (of_stack, folder):
        if not any(maybe_empty.iterdir()):
            maybe_empty.rmdir()
    return removed
