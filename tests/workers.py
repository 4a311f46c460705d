"""What the workers of `make test` run: tests of whole clusters never run two at a time.

A plugin of pytest, for `pytest -p tests.workers --numprocesses 3`: two workers share the tests with
machines and whatever else takes long; the third has tests that wait for clocks, and then others
that leave the processors to them.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

CLUSTERS = "clusters"
# Its tests wait for clocks more than they work.
WATCH = "ops/watch"
# Short tests without machines.
LIGHT = ("node", "model", "ops/kube", "ops/rollout", "docs")
# The name of the worker that has only those.
ASIDE = "gw2"
# These take longest, in this order; the other folders follow.
LONGEST = (CLUSTERS, "ops/hosts", "components", "scripts")


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


def is_aside(share: str) -> bool:
    """Return whether the third worker has a share; the others take it when nothing else is left."""
    return share in LIGHT or share.startswith(f"{WATCH}/")


def place_of(share: str) -> tuple[bool, int]:
    """Return where a share is in the order: the longest first, the third worker's last."""
    place = LONGEST.index(share) if share in LONGEST else len(LONGEST)
    return is_aside(share), place


class Folders(LoadScopeScheduling):
    """Gives a worker that is about to be idle the longest share that is left for it."""

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        shares = [share for share in self.workqueue if is_aside(share) or node.gateway.id != ASIDE]
        if not shares:
            node.shutdown()
            return
        self.workqueue.move_to_end(min(shares, key=place_of), last=False)
        super()._assign_work_unit(node)
