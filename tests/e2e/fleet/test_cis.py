"""`fleet cis` on real clusters: what it reads, and a machine that is spoiled and restored."""

from collections.abc import Iterator

import pytest

from tests.e2e.asking import command_of
from tests.e2e.cis import cis, failed
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import PulumiStack

pytestmark = [pytest.mark.root, pytest.mark.slow]

MANIFEST = "/etc/kubernetes/manifests/kube-scheduler.yaml"
MACHINE = "cluster2-control-plane-0"


@pytest.fixture
def readable_manifest(machines: Machines) -> Iterator[None]:
    """A control plane with a static pod's file that everybody may read."""
    machines.run(MACHINE, f"chmod 644 {MANIFEST}")
    yield
    machines.run(MACHINE, f"chmod 600 {MANIFEST}")


def test_every_item_is_read_on_every_machine(fleet: PulumiStack) -> None:
    _, report = cis(fleet)
    assert report.unreadable == ()
    counts = {(row.passed + row.failed + row.manual, row.unknown) for row in report.clusters}
    assert counts == {(131, 0)}
    machines = {each.node for each in report.results if each.item.startswith("4.")}
    assert len(machines) == 4
    machines = {each.node for each in report.results if each.item.startswith("1.")}
    assert len(machines) == 2


def test_a_spoiled_file_fails_its_item_until_it_is_restored(
    fleet: PulumiStack, readable_manifest: None, machines: Machines
) -> None:
    status, report = cis(fleet, "--item", "1.1.5")
    assert (status, failed(report)) == (1, {("1.1.5", MACHINE)})
    machines.run(MACHINE, f"chmod 600 {MANIFEST}")
    status, report = cis(fleet, "--item", "1.1.5")
    assert (status, failed(report)) == (0, set())


def test_the_table_fits_what_the_document_says(fleet: PulumiStack) -> None:
    done = command_of(fleet, "cis", "--cluster", "cluster1", "--output", "wide")
    _, report = cis(fleet, "--cluster", "cluster1")
    (row,) = report.clusters
    (summary,) = (line for line in done.stdout.splitlines() if line.endswith(report.benchmark))
    counts = [row.cluster, *map(str, (row.passed, row.failed, row.manual, row.unknown))]
    assert summary.split()[:5] == counts


def test_no_automated_item_fails_on_a_default_cluster(fleet: PulumiStack) -> None:
    status, report = cis(fleet)
    assert (status, failed(report)) == (0, set())
