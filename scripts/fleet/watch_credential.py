"""The credential of `fleet watch --user`: a person's kubeconfig, issued and renewed."""

import hashlib
import threading
import time
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from model.paths import state_dir
from model.selectors import LabelSelector
from ops.errors import OperatorError, text_of
from ops.private_file import make_private_folder, write_private
from ops.pulumi.engine import Engine
from scripts.fleet import access, kubeconfig
from scripts.fleet.engine_run import existing_engine
from scripts.fleet.targets import state_stamp
from scripts.fleet.watch_command import say

FOLDER = "watch"
# After a failure it is tried again, from then on as often.
RETRY_SECONDS = 300.0


def state_path(stack: str | None, path: Path) -> Path:
    """Return the state file of a stack, or of a kubeconfig; no stack's name has a `@`."""
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()
    return state_dir() / FOLDER / f"{stack or f'kubeconfig@{digest[:16]}'}.json"


def renewing(stack: str, user: str, selector: LabelSelector | None = None) -> "Renewing":
    """Issue the kubeconfig; return what renews it. Raises OperatorError."""
    made = Renewing(stack, user, selector)
    made.issue()
    return made


class Renewing:
    """Issues the kubeconfig again in its last third, and when the stack's state has changed.

    `is_chosen` says of a cluster in it whether its labels match, as of the last `fleet up`.
    """

    def __init__(self, stack: str, user: str, selector: LabelSelector | None = None) -> None:
        self.path = state_dir() / FOLDER / f"{stack}-{user}.kubeconfig"
        self._stack, self._user, self._selector = stack, user, selector
        self._matching: Collection[str] = ()
        self._stamp: object = None
        self._due: datetime | None = None
        self._thread: threading.Thread | None = None
        self._not_before = 0.0

    def __call__(self) -> None:
        """Renew it beside the caller, if it is time."""
        if self._thread is not None and self._thread.is_alive():
            return
        is_due = self._due is not None and datetime.now(UTC) >= self._due
        if (is_due or state_stamp(self._stack) != self._stamp) and self._may_try():
            self._thread = threading.Thread(target=self._renew, daemon=True)
            self._thread.start()

    def issue(self) -> None:
        """Write the kubeconfig; raise OperatorError."""
        stamp = state_stamp(self._stack)
        engine = existing_engine(self._stack)
        text = access.kubeconfig_of(engine, self._user)
        if self._selector is not None:
            # Before the file is written: that is when it is read again.
            self._matching = self._matches(engine, self._selector)
        self.path.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private_folder(self.path.parent)
        write_private(self.path, text)
        self._due, self._stamp = kubeconfig.renewal_time(text), stamp

    def is_chosen(self, cluster: str) -> bool:
        """Whether a cluster's labels match; call it from any thread."""
        return self._selector is None or cluster in self._matching

    def _matches(self, engine: Engine, selector: LabelSelector) -> Collection[str]:
        if self._stamp is None:
            return access.matching_clusters(engine, selector)
        # While it is watched, the last cluster may lose its labels.
        labels = access.labels(engine)
        return [name for name, its in labels.items() if selector.matches(its)]

    def _may_try(self) -> bool:
        return time.monotonic() >= self._not_before

    def _renew(self) -> None:
        try:
            self.issue()
        except (OperatorError, OSError) as error:
            self._not_before = time.monotonic() + RETRY_SECONDS
            say(f"the kubeconfig of {self._user} could not be renewed: {text_of(error)}")
