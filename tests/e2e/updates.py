"""A security update of a test package, offered to machines by a source on their disks."""

from pathlib import Path

from ops.nspawn.spec import MachineSpec
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import PulumiStack
from tests.node.steps.apt_repository import Source

PACKAGE = "fleet-test"
SOURCES = "srv/updates"
ASK = "touch /run/reboot-required"
BOOT = "cat /proc/sys/kernel/random/boot_id"
INSTALLED = f"dpkg-query --show --showformat '${{Version}}' {PACKAGE}"


def roots(stack: PulumiStack) -> dict[str, Path]:
    """The file systems of all machines by name, as this host sees them."""
    found = {}
    for file in sorted(stack.machines.glob("*/*/spec.json")):
        spec = MachineSpec.read(file.parent)
        assert spec is not None
        found[spec.hostname] = file.parent / "root"
    return found


def prepare(stack: PulumiStack) -> None:
    """Install version 1 of the package on all machines, from a source of ordinary packages."""
    for name, root in roots(stack).items():
        Source(root / SOURCES / "main", "Debian", "stable").add(PACKAGE, "1")
        Source(root / SOURCES / "security", "Debian-Security", "stable-security").index()
        for file in (root / "etc/apt/sources.list.d").glob("*"):
            file.unlink()
        lines = [f"deb [trusted=yes] file:/{SOURCES}/{kind} ./\n" for kind in ("main", "security")]
        (root / "etc/apt/sources.list").write_text("".join(lines))
        Machines(stack).run(
            name, f"apt-get update >/dev/null && apt-get install --yes {PACKAGE} >/dev/null 2>&1"
        )


def offer(stack: PulumiStack, version: str, postinst: str = ASK) -> None:
    """Offer a version to all machines as a security update; by default it asks for a reboot."""
    for root in roots(stack).values():
        source = Source(root / SOURCES / "security", "Debian-Security", "stable-security")
        source.add(PACKAGE, version, postinst=postinst)


def states(stack: PulumiStack, command: str) -> dict[str, str]:
    """What a command prints on each machine."""
    return {name: Machines(stack).run(name, command).strip() for name in roots(stack)}
