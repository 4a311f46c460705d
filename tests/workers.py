"""What the workers of `make test` run: tests of whole clusters never run two at a time.

A plugin of pytest, for `pytest -p tests.workers --numprocesses 2`.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

CLUSTERS = "clusters"
# Its tests wait for clocks more than they work: both workers share its files.
WATCH = "ops/watch"
# These take longest, in this order; the other folders follow.
LONGEST = (CLUSTERS, "ops/hosts", WATCH, "components", "scripts")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> "Folders":
    """Divide the tests so that one cluster shares the host with tests that leave it time."""
    return Folders(config, log)


def share_of(test: str) -> str:
    """Return the share of the tests that one worker runs, in their order: a folder, or clusters."""
    _, *folders, name = test.partition("::")[0].split("/")
    match folders:
        case ["e2e", *_] | ["node"]:
            return CLUSTERS
        case ["ops", "watch", *_]:
            return f"{WATCH}/{name}"
        case ["ops", room, *_]:
            return f"ops/{room}"
        case [room, *_]:
            return room
    return "tests"


def place_of(share: str) -> int:
    """Return where a share is in the order: those that take longest come first."""
    places = (at for at, long in enumerate(LONGEST) if f"{share}/".startswith(f"{long}/"))
    return next(places, len(LONGEST))


class Folders(LoadScopeScheduling):
    """Gives a worker that is about to be idle the longest share that is left."""

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        self.workqueue.move_to_end(min(self.workqueue, key=place_of), last=False)
        super()._assign_work_unit(node)
