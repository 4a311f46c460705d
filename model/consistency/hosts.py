"""What machines report of themselves (model/host_digests.py), as items that are compared.

A digest cannot name what is a machine's own in a file. Of files that are alike on all machines it
is compared; of others, what the machine itself found: as it was applied, or not. What the kernel
chooses by the size of a machine is named as that.
"""

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache

from model.consistency import facts
from model.consistency.facts import Items
from model.host_digests import HostReport
from model.render import kernel
from model.render.machine_files import alike_files

AS_APPLIED, NOT_AS_APPLIED, BY_SIZE = "<as applied>", "not as applied", "<by size>"
# What a report has in place of a digest.
MISSING, DIFFERENT = "missing", "different"
# https://docs.kernel.org/admin-guide/sysctl/
SIZED_SYSCTLS = ("fs.file-max", "fs.inotify.max_user_watches", "net.netfilter.nf_conntrack_max")
# The API says the others of each Node.
VERSIONED = ("containerd", "kubeadm", "kubelet", "runc")
DIGITS = 16


def items_of(report: HostReport, architecture: str) -> dict[str, Items]:
    """Return the items by area of `HOST_AREAS`; programs have the architecture in their names."""
    alike = declared_files()
    edited = {each.name for each in report.differences if each.kind in ("file", "secret")}
    found: dict[str, dict[str, str]] = {area: {} for area in facts.HOST_AREAS}
    for item, value in report.items.items():
        kind, _, name = item.partition(" ")
        match kind:
            case "file":
                found[facts.FILES][name] = (
                    value
                    if name in alike or value == MISSING
                    else NOT_AS_APPLIED
                    if name in edited or value == DIFFERENT
                    else AS_APPLIED
                )
            case "program":
                found[facts.PROGRAMS][f"{name} ({architecture})"] = value
            case "version" if name in VERSIONED:
                found[facts.PROGRAMS][f"{name} version"] = value
            case "unit":
                found[facts.UNITS][name] = value
            case "sysctl":
                found[facts.SYSCTLS][name] = BY_SIZE if name in SIZED_SYSCTLS else value
            case "module":
                found[facts.SYSCTLS][f"{kind} {name}"] = value
    return dict(found)


def declared_items() -> dict[str, Items]:
    """Return what is declared of every machine, in the form of `items_of`."""
    return {facts.FILES: declared_files(), facts.SYSCTLS: dict(_settings())}


@cache
def declared_files() -> Mapping[str, str]:
    """Return the digests of the files that are alike on all machines, by path."""
    return {
        file.path: hashlib.sha256(file.content.encode()).hexdigest()[:DIGITS]
        for file in alike_files()
    }


def _settings() -> Iterator[tuple[str, str]]:
    for line in kernel.SYSCTL.splitlines():
        name, _, value = line.partition(" = ")
        yield name, value
