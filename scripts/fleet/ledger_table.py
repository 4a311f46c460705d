"""The ledger on the terminal: certificates as kubeadm prints them, then the keys' ages."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby

from rich.table import Table

from model.pki.ledger import Key, Ledger
from scripts.fleet.nodes import age

DATE = "%b %d, %Y %H:%M UTC"
SSH_PREFIX, SSH_SUFFIX = "ssh_host_", "_key"


def certificate_table(ledger: Ledger) -> Table:
    """Return a row for each certificate, below those that are missing or unknown."""
    columns = ("CLUSTER", "NODE", "CERTIFICATE", "EXPIRES", "RESIDUAL TIME")
    table = _table(*columns, "CERTIFICATE AUTHORITY")
    for unknown in ledger.unreadable:
        table.add_row(unknown.cluster, unknown.node or "-", "-", "-", "<unknown>", "-")
    for missing in ledger.missing:
        table.add_row(missing.cluster, missing.node, missing.name, "-", "<missing>", "-")
    for found in ledger.certificates:
        table.add_row(
            found.cluster,
            found.node or "-",
            found.name,
            found.not_after.strftime(DATE),
            residual(found.not_after - ledger.time),
            found.authority or "-",
        )
    return table


def key_table(ledger: Ledger) -> Table:
    """Return a row for each key; the SSH host keys of a machine have one row."""
    table = _table("CLUSTER", "NODE", "KEY", "AGE")
    for key in _one_row_a_host(ledger):
        table.add_row(key.cluster, key.node, key.name, _age(key.written, ledger.time))
    return table


def token_table(ledger: Ledger) -> Table:
    """Return a row for each token of a tool."""
    table = _table("CLUSTER", "TOOL", "SECRET", "EXPIRES", "RESIDUAL TIME")
    for token in ledger.tokens:
        left = residual(token.not_after - ledger.time)
        table.add_row(token.cluster, token.tool, token.secret, token.not_after.strftime(DATE), left)
    return table


def residual(left: timedelta) -> str:
    """Format the time that is left as `kubeadm certs check-expiration` does."""
    seconds = left.total_seconds()
    if seconds <= 0:
        return "<invalid>"
    for unit, size, limit in (("s", 1, 60), ("m", 60, 3600), ("h", 3600, 86400)):
        if seconds < limit:
            return f"{int(seconds / size)}{unit}"
    days = int(seconds / 86400)
    return f"{days}d" if days < 365 else f"{days // 365}y"


def _one_row_a_host(ledger: Ledger) -> Iterator[Key]:
    def host(key: Key) -> tuple[str, str]:
        return key.cluster, key.node

    is_host_key = [key.name.startswith(SSH_PREFIX) for key in ledger.keys]
    pairs = list(zip(ledger.keys, is_host_key, strict=True))
    yield from (key for key, of_host in pairs if not of_host)
    for _, group in groupby(sorted((key for key, of_host in pairs if of_host), key=host), key=host):
        keys = list(group)
        kinds = sorted(key.name.removeprefix(SSH_PREFIX).removesuffix(SSH_SUFFIX) for key in keys)
        oldest = min(keys, key=lambda key: key.written)
        yield oldest.model_copy(update={"name": f"ssh-host ({', '.join(kinds)})"})


def _age(written: datetime, now: datetime) -> str:
    return age((now - written).total_seconds())


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
