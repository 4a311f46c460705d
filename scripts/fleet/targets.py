"""Which clusters are asked: those of a stack, or the contexts of any kubeconfig.

Nothing here imports the engine unless a kubeconfig is missing or about to expire, or the stack
changed: its start takes longer than all clusters take to answer.
"""

import os
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import yaml

from model.paths import state_dir
from model.selectors import LabelSelector
from ops.errors import OperatorError, text_of
from ops.kube.access import Access, Loader
from ops.kube.client import PROBE_RETRIES, Client
from ops.kube.shared_client import List, SharedClient
from scripts.fleet.lazy_group import PROJECT
from scripts.fleet.status_cache import StatusCache

FOLDER = PROJECT / "kubeconfigs"
# Sections of the cache.
LABELS, RENEWAL = "labels", "renewal"


class Target:
    """A cluster to ask; `is_ours` if it is of a stack. Its client is built when it is asked."""

    def __init__(
        self,
        name: str,
        document: Mapping[str, Any],
        context: str,
        folder: Path,
        *,
        is_ours: bool,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.cluster = _cluster(document, context) if is_ours else name
        self.is_ours = is_ours
        self.labels = dict(labels or {})
        self._document, self._context, self._folder = document, context, folder
        self._client: Client | None = None
        self._readers: Mapping[List, int] = {}
        self._lock = Lock()

    def share(self, readers: Mapping[List, int]) -> None:
        """Read these lists once for so many readers; before its client is built."""
        self._readers = readers

    def client(self, seconds: float) -> Client:
        """Return a client whose requests take so long at most; raise OperatorError."""
        with self._lock:
            if self._client is None:
                access = Access.of_context(self._document, self._context, self._folder)
                client = SharedClient(access, self._readers, retries=PROBE_RETRIES)
                self._client = client.limited(seconds=seconds)
            return self._client

    def user_values(self, key: str) -> list[str]:
        """Return what the users of the kubeconfig have under a key, such as `token`."""
        users = (entry.get("user") or {} for entry in self._document.get("users") or ())
        return [str(user[key]) for user in users if user.get(key)]


def of_kubeconfig(
    path: Path, names: Collection[str] = (), *, is_ours: bool = False
) -> list[Target]:
    """Return a target for each context of a file, or for those with these names."""
    document = _read(path, is_ours=is_ours)
    contexts = [str(entry["name"]) for entry in document["contexts"]]
    if unknown := sorted(set(names) - set(contexts)):
        raise OperatorError(
            f"{path} has no context {', '.join(unknown)}; its contexts: {', '.join(contexts)}"
        )
    return [
        Target(context, document, context, path.absolute().parent, is_ours=is_ours)
        for context in contexts
        if not names or context in names
    ]


def of_stack(
    stack: str,
    cache: StatusCache,
    selector: LabelSelector | None = None,
    names: Collection[str] = (),
) -> list[Target]:
    """Return a target for each cluster of a stack that matches and has one of these names."""
    chosen = chosen_files(stack, cache, selector, names)
    return [_of_file(file, labels) for file, labels in chosen]


def chosen_files(
    stack: str,
    cache: StatusCache,
    selector: LabelSelector | None = None,
    names: Collection[str] = (),
) -> list[tuple[Path, dict[str, str] | None]]:
    """Return the kubeconfigs and labels, if known, of a stack's clusters that are chosen."""
    files = stack_files(stack, cache)
    labels = _labels(stack, cache, files, is_needed=selector is not None)
    known = {file.name: file for file in files}
    if unknown := sorted(set(names) - set(known)):
        raise OperatorError(
            f"the stack {stack} has no cluster {', '.join(unknown)}; its clusters: "
            f"{', '.join(known)}"
        )
    chosen = [name for name in known if not names or name in names]
    if selector is not None:
        chosen = [name for name in chosen if selector.matches(labels.get(name, {}))]
        if not chosen:
            raise OperatorError(no_match(stack, selector, {n: labels.get(n, {}) for n in known}))
    return [(known[name], labels.get(name)) for name in chosen]


def stack_files(stack: str, cache: StatusCache) -> list[Path]:
    """Return the kubeconfigs of a stack's clusters, as `access.cluster_kubeconfigs` does."""
    folder = FOLDER / stack
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    due = cache.get(RENEWAL, stamp_of(files))
    if files and due and datetime.now(UTC).isoformat() < due:
        return files
    from scripts.fleet import access, kubeconfig

    files = access.cluster_kubeconfigs(stack)
    texts = [file.read_text(encoding="utf-8") for file in files]
    if first := min(filter(None, map(kubeconfig.renewal_time, texts)), default=None):
        cache.put(RENEWAL, first.isoformat(), stamp_of(files))
    return files


def stamp_of(files: Collection[Path]) -> list[tuple[str, int, int]]:
    """Return what changes when one of the files does."""
    found = [(file.name, file.stat()) for file in files]
    return [(name, status.st_mtime_ns, status.st_size) for name, status in found]


def state_stamp(stack: str) -> object:
    """Return what changes when the stack's state does, for the program's own backend.

    Of another backend nothing is known without asking it: there, what a run on this host writes
    counts alone.
    """
    if backend := os.environ.get("PULUMI_BACKEND_URL"):
        return backend
    states = (state_dir() / "backend" / ".pulumi" / "stacks").glob(f"*/{stack}.json")
    return stamp_of(sorted(states))


def _labels(
    stack: str, cache: StatusCache, files: Collection[Path], *, is_needed: bool
) -> dict[str, dict[str, str]]:
    """Return the labels of the last `fleet up`; if they cannot be read, none unless needed."""
    stamp = [state_stamp(stack), stamp_of(files)]
    found: dict[str, dict[str, str]] | None = cache.get(LABELS, stamp)
    if found is not None:
        return found
    from scripts.fleet import access, engine_run

    try:
        found = access.labels(engine_run.existing_engine(stack))
    except OperatorError:
        if is_needed:
            raise
        return {}
    cache.put(LABELS, found, stamp)
    return found


def no_match(stack: str, selector: LabelSelector, labels: Mapping[str, Mapping[str, str]]) -> str:
    """Say that no cluster matches, and which labels there are."""
    known = "; ".join(
        f"{name}: " + (",".join(f"{key}={value}" for key, value in pairs.items()) or "none")
        for name, pairs in labels.items()
    )
    return f"no cluster of the stack {stack} matches the selector {selector}; labels: {known}"


def _of_file(file: Path, labels: Mapping[str, str] | None) -> Target:
    document = _read(file, is_ours=True)
    context = str(document.get("current-context") or document["contexts"][0]["name"])
    return Target(file.name, document, context, file.parent, is_ours=True, labels=labels)


def _cluster(document: Mapping[str, Any], context: str) -> str:
    """Return the cluster of a context in a kubeconfig of a stack."""
    entry = next(each for each in document["contexts"] if each["name"] == context)
    return str(entry["context"]["cluster"])


def _read(path: Path, *, is_ours: bool) -> dict[str, Any]:
    """Return a kubeconfig whose contexts have names."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)  # noqa: S506
        if not [str(entry["name"]) for entry in document["contexts"]]:
            raise OperatorError(f"{path} has no context")
    except OSError as error:
        raise OperatorError(f"the kubeconfig cannot be read: {text_of(error)}") from None
    except (ValueError, KeyError, TypeError, yaml.YAMLError):
        advice = ": remove it and run `fleet kubeconfig`" if is_ours else ""
        raise OperatorError(f"{path} is not a kubeconfig{advice}") from None
    return dict(document)
