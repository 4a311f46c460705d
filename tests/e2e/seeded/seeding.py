"""Plants faults in a cluster, one after the other, and finds out who names them and when."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model import paths
from ops.errors import OperatorError
from tests.e2e.asking import command_of
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import CHECKOUT, PulumiStack
from tests.e2e.seeded.fault import Fault, Place, Teller
from tests.e2e.seeded.watching import Event, Watch

# What an operator is promised, beyond what physics needs.
LIMIT_SECONDS = 30
# A condition ends once it has been gone for a while, which doubles with each return: no flapping.
END_SECONDS = 150
LOOK_SECONDS = 0.2
COMMAND_SECONDS = 60
RENEWALS = "cat /var/lib/kubeadm-fleet/renewals || true"
# Where a command's document lists what is wrong.
RECORDS = {Teller.STATUS: "conditions", Teller.CONSISTENCY: "rows", Teller.CIS: "results"}


@dataclass
class Finding:
    """What came of a fault: when it was named and in which words, and when that ended."""

    fault: Fault
    cluster: str
    planted: float = 0.0
    restored: float = 0.0
    condition: tuple[str, ...] = ()
    seconds: float | None = None
    said: str = ""
    ended: float | None = None
    otherwise: str = ""
    error: str = ""

    @property
    def is_awaited(self) -> bool:
        """Whether it is not named yet, and may be."""
        limit = LIMIT_SECONDS + self.fault.physics
        return self.seconds is None and not self.error and time.monotonic() - self.planted < limit

    @property
    def problem(self) -> str:
        """What is wrong with it; empty: nothing."""
        if self.error:
            return self.error
        if self.seconds is None:
            return f"not named within {LIMIT_SECONDS + self.fault.physics} s"
        if self.seconds > LIMIT_SECONDS + self.fault.physics:
            return f"named after more than {LIMIT_SECONDS + self.fault.physics} s"
        return "" if self.ended is not None else f"has not ended after {END_SECONDS} s"

    def row(self) -> str:
        """Its line of the table."""
        seconds = "-" if self.seconds is None else f"{self.seconds:.1f}"
        ended = "-" if self.ended is None else f"{self.ended:.1f}"
        words = " | ".join(filter(None, (self.problem, self.said, self.otherwise)))
        columns = (f"{self.fault.name:<54}", f"{self.cluster:<9}", f"{self.fault.teller.value:<12}")
        return " ".join((*columns, f"{seconds:>6}", f"{ended:>6} ", words))


class Seeding:
    """One cluster, whose faults are planted one after the other."""

    def __init__(self, stack: PulumiStack, watch: Watch, cluster: str, kubeconfig: Path) -> None:
        self._stack = stack
        self._watch = watch
        self._cluster = cluster
        self._machines = Machines(stack)
        self._names = {
            Place.CONTROL_PLANE: f"{cluster}-control-plane-0",
            Place.WORKER: f"{cluster}-worker-0",
        }
        self._kubeconfig = kubeconfig
        # Its Nodes are older.
        self._made = time.monotonic()

    def find(self, faults: Iterable[Fault]) -> list[Finding]:
        """Plant those that may hold together, then each of the others; take each back."""
        every = list(faults)
        together = [fault for fault in every if not fault.alone]
        groups = [together] if together else []
        groups += [[fault] for fault in every if fault.alone]
        return [finding for group in groups for finding in self.find_together(group)]

    def find_together(self, faults: Iterable[Fault]) -> list[Finding]:
        """Plant faults at the same time."""
        findings = [Finding(fault, self._cluster) for fault in faults]
        ripe = self._made + max(finding.fault.age for finding in findings)
        time.sleep(max(0.0, ripe - time.monotonic()))
        before = {event.condition for event in self._watch.open(self._cluster)}
        try:
            for finding in findings:
                self._plant(finding)
            self._await_named(findings)
        finally:
            for finding in reversed(findings):
                self._restore(finding)
        self._await_end(findings, before)
        return findings

    def _plant(self, finding: Finding) -> None:
        finding.planted = time.monotonic()
        try:
            self._run(finding.fault, finding.fault.plant)
        except Exception as error:
            finding.error = f"cannot be planted: {error}"[:600]

    def _restore(self, finding: Finding) -> None:
        finding.restored = time.monotonic()
        try:
            self._run(finding.fault, finding.fault.restore)
        except Exception as error:
            finding.error += f" cannot be taken back: {error}"[:600]

    def _await_named(self, findings: list[Finding]) -> None:
        """Wait until each is named; note for the others who else names them."""
        while waiting := [each for each in findings if each.is_awaited]:
            self._note_named(waiting)
            time.sleep(LOOK_SECONDS)
        lost = [each for each in findings if each.seconds is None and not each.error]
        for teller in (Teller.STATUS, Teller.CONSISTENCY, Teller.CIS) if lost else ():
            texts = self._ask(teller)
            for finding in lost:
                if found := self._in(texts, finding.fault):
                    finding.otherwise += f" [{teller.value}: {found}]"
        for finding in lost:
            # A timer may have repaired it.
            with suppress(OperatorError):
                record = self._machines.run(self._names[Place.CONTROL_PLANE], RENEWALS)
                finding.otherwise += f" [renewals: {' '.join(record.split())}]"
            begun = (e.text for e in self._since(finding) if e.began)
            finding.otherwise += f" [the watch said: {' + '.join(begun)}]"

    def _note_named(self, waiting: list[Finding]) -> None:
        """Note which are named now, and in which words."""
        for teller in {finding.fault.teller for finding in waiting} - {Teller.WATCH}:
            texts = self._ask(teller)
            for finding in waiting:
                if finding.fault.teller is teller and (text := self._in(texts, finding.fault)):
                    finding.said = text
                    finding.seconds = time.monotonic() - finding.planted
        for finding in waiting:
            if finding.fault.teller is not Teller.WATCH:
                continue
            for event in self._since(finding):
                if event.began and self._matches(finding.fault, event.text):
                    finding.said, finding.condition = event.text, event.condition
                    finding.seconds = event.at - finding.planted
                    break

    def _in(self, texts: Iterable[str], fault: Fault) -> str:
        return next((text for text in texts if self._matches(fault, text)), "")

    def _since(self, finding: Finding) -> list[Event]:
        return [
            event
            for event in list(self._watch.events)
            if event.at >= finding.planted and event.cluster == self._cluster
        ]

    def _matches(self, fault: Fault, text: str) -> bool:
        return fault.is_named_in(text, self._names[Place.WORKER], self._names[Place.CONTROL_PLANE])

    def _ask(self, teller: Teller) -> list[str]:
        """Ask a command of the toolkit; return what is wrong in the cluster, as it says it."""
        # What is odd is seen beside the others.
        only = () if teller is Teller.CONSISTENCY else ("--cluster", self._cluster)
        done = command_of(self._stack, teller.value, "-o", "json", *only)
        if not done.stdout:
            return []
        found = json.loads(done.stdout)
        records = found[RECORDS[teller]]
        if teller is Teller.STATUS:
            records += [each for cluster in found["clusters"] for each in cluster["conditions"]]
        if teller is Teller.CONSISTENCY:
            return [json.dumps(row) for row in records if self._is_odd(row)]
        return [json.dumps(each) for each in records if each.get("state") != "pass"]

    def _is_odd(self, row: dict[str, Any]) -> bool:
        """Whether the cluster's cell of a row of `fleet consistency` is marked."""
        states = {cell["state"] for cell in row["cells"] if cell["cluster"] == self._cluster}
        return not states <= {"same", "none"}

    def _await_end(self, findings: list[Finding], before: set[tuple[str, ...]]) -> None:
        """Wait until no condition is left that the faults brought."""
        deadline = time.monotonic() + END_SECONDS + max(each.fault.physics for each in findings)
        tellers = {each.fault.teller for each in findings if each.seconds} - {Teller.WATCH}
        new: list[Event] = []
        while new or not all(each.ended for each in findings):
            if time.monotonic() > deadline:
                break
            new = [e for e in self._watch.open(self._cluster) if e.condition not in before]
            texts = [text for teller in tellers for text in self._ask(teller)]
            held = {event.condition for event in new}
            for finding in findings:
                over = finding.condition not in held if finding.condition else not new
                if finding.fault.teller is not Teller.WATCH:
                    over = not self._in(texts, finding.fault)
                if over and finding.ended is None:
                    finding.ended = time.monotonic() - finding.restored
            time.sleep(LOOK_SECONDS)
        if new:
            findings[0].otherwise += " [left: " + " + ".join(e.text for e in new) + "]"

    def _run(self, fault: Fault, shell: str) -> None:
        if fault.place in self._names:
            self._machines.run(self._names[fault.place], f"set -euo pipefail\n{shell}")
            return
        root = self._stack.machines / self._cluster
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", shell.replace("NODE", self._names[Place.WORKER])],
            cwd=CHECKOUT,
            env={
                **os.environ,
                "KUBECONFIG": str(self._kubeconfig),
                "PATH": f"{paths.bundle_dir('v1.36.3') / 'bin'}:{os.environ['PATH']}",
                "SAVED": f"{self._kubeconfig}.{fault.name}".replace(" ", "-").replace("'", ""),
                "PYTHON": sys.executable,
                "PLANE": str(root / self._names[Place.CONTROL_PLANE] / "root"),
                "WORKER": str(root / self._names[Place.WORKER] / "root"),
            },
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        assert done.returncode == 0, done.stderr
