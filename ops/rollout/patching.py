"""Security updates of a machine's system in its turn: installed, then rebooted if it asks for that.

The machine records which round it has only when all of it is done. What a killed run left is found
on the machine: packages that are not updated yet, and a reboot that is still required. So the next
run neither installs nor reboots again what is done.
"""

import time
from contextlib import suppress

from ops.errors import OperatorError
from ops.hosts.patches import PatchReport
from ops.hosts.ssh_errors import ConnectionLost
from ops.kube.pod import few
from ops.rollout import readiness
from ops.rollout.target import Target
from ops.wait import NotYet, wait_until

# Servers test their memory and their controllers for minutes.
REBOOT_SECONDS = 900
PATIENCE_SECONDS = 3


def spares(target: Target) -> bool:
    """Whether the machine has all updates, and need not be drained; else they are downloaded."""
    target.step("downloading security updates")
    return not PatchReport.parse(target.machine.run("stage_patches").splitlines()).is_due


def patch(target: Target) -> None:
    """Install the updates, reboot if the system asks for it, and record that they are there."""
    machine = target.machine
    report = PatchReport.parse(machine.run("install_patches").splitlines())
    if report.updated:
        target.done(f"updated: {few(report.updated)}")
    if report.kept:
        target.done(f"kept back by apt, although there is a security update: {few(report.kept)}")
    if report.reboot:
        reboot(target, report.reboot)
    elif report.stale:
        target.done(f"use replaced libraries until they are restarted: {few(report.stale)}")
    machine.run("record_patched")


def reboot(target: Target, why: str) -> None:
    """Reboot the machine; return when its Node is Ready, and the pods that were are again."""
    machine, nodes, began = target.machine, target.nodes, time.monotonic()
    before = nodes.ready_pods(target.name)
    former = machine.run("boot_id").strip()
    target.step(f"rebooting, since {why}")
    with suppress(ConnectionLost):
        machine.run("reboot_machine")
    target.step("waiting for it to answer after its reboot")
    boot = await_boot(target, former)
    target.step("waiting for its Node to be Ready after its reboot")
    readiness.await_rebooted(nodes, target.name, boot)
    target.step("waiting for its pods")
    readiness.await_pods(nodes, target.name, before)
    target.done(f"rebooted in {time.monotonic() - began:.0f} s, since {why}")


def await_boot(target: Target, former: str) -> str:
    """Wait until the machine answers in another boot than before; return that boot.

    While it shuts down or starts, a login may be refused, and a command ended.
    """

    def rebooted() -> str:
        boot = target.machine.run("boot_id", patience_seconds=PATIENCE_SECONDS).strip()
        if boot == former:
            raise NotYet("it has not shut down yet")
        return boot

    return wait_until(
        rebooted,
        REBOOT_SECONDS,
        lambda reason: OperatorError(
            f"{target.name}: it does not answer {REBOOT_SECONDS} s after its reboot ({reason}). "
            "Look at its console, start it, and run `fleet up` again: it resumes with this "
            "machine; no other one is patched before"
        ),
        passing=(OperatorError,),
    )
