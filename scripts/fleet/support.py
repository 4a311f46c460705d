"""`fleet support`: the sources of one cluster, gathered, shown and written."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from model.config.durations import parse_seconds
from model.machine import CONTROL_PLANE
from model.plural import counted
from model.support_manifest import ArchivedFile, Manifest, MissingFile, Redaction, readme, reasons
from ops.errors import OperatorError
from ops.hosts.inventory import InventoryMachine
from ops.support import archive
from ops.support.gathering import Gathering, Source
from ops.support.recipients import recipients
from scripts.fleet import support_documents, targets
from scripts.fleet.lazy_group import PROJECT
from scripts.fleet.status_cache import StatusCache
from scripts.fleet.targets import Target

INCOMPLETE = 1
STATUS, CONFIG, INVENTORY = "status.json", "config", "machines"
# How long the redaction, the compression and the encryption of what was gathered last may take.
WRITING_SHARE, WRITING_SECONDS = 0.1, 2.0
NAME_TIME = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Wish:
    """What the user wants: of which cluster, for whom, and where to."""

    stack: str
    cluster: str
    kubeconfig: Path | None
    recipients: Sequence[str]
    output: Path | None
    force: bool
    seconds: float


def write(wish: Wish) -> int:
    """Gather and write the archive; return the exit status."""
    began, clock = datetime.now(UTC), time.monotonic()
    keys = recipients(wish.recipients)
    folder = f"{wish.cluster}-support-{began:{NAME_TIME}}"
    file = wish.output or Path(f"{folder}.tar.gz{'.age' if keys else ''}")
    archive.refuse_existing(file, force=wish.force)
    click.echo(f"  0.0 s  gathering from {wish.cluster}, {wish.seconds:g} s at most", err=True)
    target, cache = _target(wish)
    seconds = wish.seconds - min(WRITING_SECONDS, wish.seconds * WRITING_SHARE)
    gathering = Gathering(seconds, _progress(clock), clock)
    machines = _machines(wish, gathering)
    gathering.connect(
        lambda: target.client(seconds),
        [machine.address for machine in machines if machine.role == CONTROL_PLANE],
        support_documents.own_secrets(wish.stack if machines else "", machines, target),
    )
    gathering.run(list(_sources(wish, target, cache, machines, gathering)))
    manifest = _manifest(wish, began, time.monotonic() - clock, gathering)
    texts = {
        "README.txt": readme(manifest),
        "manifest.json": manifest.model_dump_json(by_alias=True, indent=2) + "\n",
    }
    size = archive.write(
        file, folder, gathering.collection, texts, keys, time=began.timestamp(), force=wish.force
    )
    _show(manifest, file, size, len(keys), time.monotonic() - clock)
    return INCOMPLETE if manifest.missing or manifest.redaction.secret_values is None else 0


def _target(wish: Wish) -> tuple[Target, StatusCache]:
    from scripts.fleet import status_cache

    if wish.kubeconfig is not None:
        cache = status_cache.of_kubeconfig(wish.kubeconfig)
        (found,) = targets.of_kubeconfig(wish.kubeconfig, [wish.cluster])
    else:
        cache = status_cache.of_stack(wish.stack)
        (found,) = targets.of_stack(wish.stack, cache, names=[wish.cluster])
    return found, cache


def _machines(wish: Wish, gathering: Gathering) -> Sequence[InventoryMachine]:
    """Return the cluster's machines; none if the stack does not say them."""
    from scripts.fleet import engine_run

    if wish.kubeconfig is not None:
        return ()
    try:
        return engine_run.inventory(wish.stack).of_clusters([wish.cluster])
    except OperatorError as error:
        gathering.collection.miss(INVENTORY, INVENTORY, str(error))
        return ()


def _sources(
    wish: Wish,
    target: Target,
    cache: StatusCache,
    machines: Sequence[InventoryMachine],
    gathering: Gathering,
) -> Iterator[Source]:
    # What takes long comes first.
    warn_before = _warn_before(wish) if machines else {}
    for machine in machines:
        yield from gathering.machine_sources(machine, warn_before)
    yield from gathering.cluster_sources()
    if not machines:
        yield from gathering.log_source()

    def read_status() -> None:
        seconds = max(0.1, gathering.left * 0.8)
        document = support_documents.status(target, cache, seconds)
        gathering.add_document(STATUS, STATUS, document)

    yield Source(STATUS, (STATUS,), read_status)
    if wish.kubeconfig is None:

        def read_config() -> None:
            for path, text in support_documents.config(wish.stack, wish.cluster):
                gathering.add_text(CONFIG, f"{CONFIG}/{path}", text)
            gathering.collection.done(CONFIG)

        yield Source(CONFIG, (CONFIG,), read_config)


def _warn_before(wish: Wish) -> dict[str, timedelta]:
    """Return how long before its end a CA of the cluster is to be rotated, if the file says it."""
    try:
        settings = support_documents.resolved(wish.stack, wish.cluster).settings
    except (OperatorError, KeyError):
        return {}  # An error in the file hides no certificate.
    return {wish.cluster: timedelta(seconds=parse_seconds(settings.certificates.warn_before))}


def _manifest(wish: Wish, began: datetime, took: float, gathering: Gathering) -> Manifest:
    collection = gathering.collection
    return Manifest(
        time=began,
        took_seconds=round(took, 1),
        timeout_seconds=wish.seconds,
        program_version=_version(),
        cluster=wish.cluster,
        server=gathering.api.client.access.server if gathering.api else "",
        redaction=Redaction(
            secret_values=gathering.secret_values, reason=gathering.redactor.text(gathering.reason)
        ),
        files=[
            ArchivedFile(path=each.path, source=each.source, size_bytes=each.size, cut=each.cut)
            for each in collection.entries
        ],
        missing=[
            MissingFile(name=each.name, source=each.source, reason=each.reason)
            for each in collection.missing
        ],
    )


def _version() -> str:
    import tomllib

    document = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(document["project"]["version"])


def _progress(began: float) -> "Callable[[str, str], None]":
    def report(source: str, reason: str) -> None:
        text = " ".join(reason.split())
        state = f"not complete: {text}" if text else "done"
        click.echo(f"{time.monotonic() - began:5.1f} s  {source}: {state}", err=True)

    return report


def _show(manifest: Manifest, file: Path, size: int, keys: int, seconds: float) -> None:
    from rich.table import Table

    from scripts.fleet.engine_run import show

    table = Table("SOURCE", "FILES", "SIZE", "MISSING", box=None, pad_edge=False)
    sources = {each.source for each in manifest.files} | {each.source for each in manifest.missing}
    for source in sorted(sources):
        files = [each for each in manifest.files if each.source == source]
        lacking = sum(each.source == source for each in manifest.missing)
        total = sum(each.size_bytes for each in files)
        table.add_row(source, str(len(files)), _size(total), str(lacking or "-"))
    show(table)
    if manifest.missing:
        click.echo("\nMissing:")
        for line in reasons(manifest.missing):
            click.echo(f"  {line}")
    if manifest.redaction.secret_values is None:
        click.echo(
            "\nThe values of the cluster's Secrets could not be read: secrets were recognized by "
            "their form and name alone. Treat the archive as if it had some."
        )
    to = f"encrypted to {counted(keys, 'recipient')}" if keys else "not encrypted"
    click.echo(f"\n{file}: {_size(size)}, {to}, in {seconds:.1f} s")
    unpack = f"tar --extract --gzip --file {file}"
    if keys:
        unpack = f"age --decrypt --identity KEY_FILE {file} | tar --extract --gzip"
    click.echo(f"Unpack it: {unpack}")


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
