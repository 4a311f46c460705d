"""`make test` runs on three workers: clusters on one of them, and on one what leaves them time."""

import pytest

from tests.scripts.test_makefile import make
from tests.workers import CLUSTERS, LIGHT, LONGEST, WATCH, is_aside, place_of, share_of


def test_make_test_divides_the_tests() -> None:
    assert "pytest -p tests.workers --numprocesses 3 -k pki" in make(
        "--dry-run", "test", "ARGS=-k pki"
    )


@pytest.mark.parametrize(
    ("test", "share"),
    [
        ("tests/e2e/fleet/test_lifecycle.py::test_one[a::b/c]", CLUSTERS),
        ("tests/node/test_join.py::test_one", CLUSTERS),
        ("tests/node/steps/test_disk.py::test_one", "node"),
        ("tests/ops/hosts/test_vip.py::test_one", "ops/hosts"),
        ("tests/ops/watch/test_outages.py::test_one", "ops/watch/test_outages.py"),
        ("tests/ops/test_wait.py::test_one", "ops"),
        ("tests/scripts/fleet/test_up.py::TestUp::test_one", "scripts"),
        ("tests/test_rooms.py::test_one", "tests"),
    ],
)
def test_a_worker_gets_a_folder_or_all_clusters_or_a_file_that_waits(test: str, share: str) -> None:
    assert share_of(test) == share


def test_the_longest_shares_come_first() -> None:
    shares = ["tests", "node", "ops/watch/test_outages.py", "ops/watching", CLUSTERS, "ops/hosts"]
    assert sorted(shares, key=place_of) == [
        *(CLUSTERS, "ops/hosts", "tests", "ops/watching"),
        *("node", "ops/watch/test_outages.py"),
    ]
    assert [share for share in shares if is_aside(share)] == ["node", "ops/watch/test_outages.py"]


def test_the_shares_exist(request: pytest.FixtureRequest) -> None:
    shares = {*LONGEST, *LIGHT, WATCH} - {CLUSTERS}
    folders = (request.config.rootpath / "tests" / share for share in shares)
    assert [folder for folder in folders if not folder.is_dir()] == []
