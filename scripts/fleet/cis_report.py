"""`fleet cis`: the benchmark's items, read and printed."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import click

from model.cis.benchmark import NUMBERS
from model.cis.cluster_facts import ClusterFacts
from model.cis.report import ReadCluster, ReadMachine, Report, report
from model.selectors import LabelSelector
from ops.errors import OperatorError
from ops.hosts import cis
from ops.hosts.inventory import InventoryMachine
from ops.kube import cis_objects
from ops.kube.client import PROBE_RETRIES, Client
from ops.kube.errors import ApiError
from scripts.fleet import access, cis_table, engine_run
from scripts.fleet.report import print_document

FAILED, UNREADABLE = 1, 2
PARALLEL_CLUSTERS = 16
RUNBOOK = "docs/runbooks/cis.md"


def show(
    stack: str,
    clusters: Collection[str],
    selector: LabelSelector | None,
    items: Sequence[str],
    output: str,
    *,
    failed_only: bool,
) -> int:
    """Print what the items say of these clusters, or of all; return the exit status."""
    inventory = engine_run.inventory(stack)
    if selector:
        clusters = access.matching_clusters(engine_run.existing_engine(stack), selector)
    machines = inventory.of_clusters(clusters)
    names = [name for name in inventory.clusters if not clusters or name in clusters]
    found = report(_read(stack, names, machines), items or NUMBERS)
    _print(found, output, failed_only=failed_only, with_passed=bool(items))
    for unknown in found.unreadable:
        click.echo(f"fleet: {unknown.node or unknown.cluster}: {unknown.reason}", err=True)
    if found.failed:
        click.echo(f"fleet: items fail: see {RUNBOOK}", err=True)
    if found.unreadable:
        return UNREADABLE
    return FAILED if found.failed else 0


def _print(found: Report, output: str, *, failed_only: bool, with_passed: bool) -> None:
    if output in ("json", "yaml"):
        print_document(found, output)
        return
    rows = cis_table.results(
        found, failed_only=failed_only, with_passed=with_passed, wide=output == "wide"
    )
    if rows.row_count:
        engine_run.show(rows)
    else:
        click.echo(
            "No item fails." if failed_only else "No item fails or needs a person's decision."
        )
    click.echo()
    engine_run.show(cis_table.summaries(found))


def _read(
    stack: str, names: Sequence[str], machines: Sequence[InventoryMachine]
) -> list[ReadCluster]:
    """Read all machines and all APIs at the same time: neither waits for the other."""
    with ThreadPoolExecutor(PARALLEL_CLUSTERS + 1) as pool:
        on_machines = pool.submit(cis.read, machines)
        objects = _objects(stack, names, pool)
        read = on_machines.result()
    of_clusters: dict[str, list[ReadMachine]] = {name: [] for name in names}
    for machine, facts in zip(machines, read, strict=True):
        of_clusters[machine.cluster].append(facts)
    return [of_cluster(name, of_clusters[name], objects[name]) for name in names]


def _objects(
    stack: str, names: Sequence[str], pool: ThreadPoolExecutor
) -> Mapping[str, ClusterFacts | str]:
    """Return what each cluster's objects say, or why they cannot be read."""
    try:
        files = {file.name: file for file in access.cluster_kubeconfigs(stack)}
    except OperatorError as error:
        return dict.fromkeys(names, str(error))

    def read(name: str) -> ClusterFacts | str:
        if name not in files:
            return f"no kubeconfig is known: run `fleet up {stack}`"
        try:
            text = files[name].read_text(encoding="utf-8")
            return cis_objects.read(Client(text, retries=PROBE_RETRIES))
        except (ApiError, OperatorError) as error:
            return f"its objects cannot be read: {error}"

    return dict(zip(names, pool.map(read, names), strict=True))


def of_cluster(
    name: str, machines: Sequence[ReadMachine], objects: ClusterFacts | str
) -> ReadCluster:
    """Return what was read of a cluster; `objects` may be the reason why they were not."""
    if isinstance(objects, str):
        return ReadCluster(name, tuple(machines), None, objects)
    facts = [machine.facts for machine in machines if machine.facts]
    control_planes = tuple(each for each in facts if each.is_control_plane)
    return ReadCluster(name, tuple(machines), replace(objects, control_planes=control_planes))
