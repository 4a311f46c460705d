"""Faults that operators have had are found and named, and their end is told."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.life import access
from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.seeded.chapters import chosen
from tests.e2e.seeded.conftest import CLUSTERS
from tests.e2e.seeded.seeding import Finding, Seeding
from tests.e2e.seeded.watching import Watch

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def seedings(fleet: PulumiStack, watch: Watch) -> Iterator[list[Seeding]]:
    """One for each cluster."""
    kubectl = access(fleet)
    found = []
    for cluster in CLUSTERS:
        own = fleet.folder / f"kubeconfig-{cluster}"
        view = kubectl.within(f"{cluster}-admin")
        own.write_text(view("config", "view", "--minify", "--flatten"))
        found.append(Seeding(fleet, watch, cluster, own))
    yield found


FAULTS = chosen()


@pytest.mark.parametrize("chapter", FAULTS)
def test_every_fault_is_found_and_named(
    seedings: list[Seeding], chapter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # Each cluster has its share, so that what is said must also name the right cluster.
    shares = [FAULTS[chapter][number :: len(seedings)] for number in range(len(seedings))]
    findings: list[Finding] = []
    with ThreadPoolExecutor(len(seedings)) as pool:
        for found in pool.map(
            lambda pair: pair[0].find(pair[1]), zip(seedings, shares, strict=True)
        ):
            findings += found
    with capsys.disabled():
        print(f"\n{chapter}: kind, cluster, named by, after s, ended after s, words")
        for finding in findings:
            print(finding.row())
    assert [finding.row() for finding in findings if finding.problem] == []
