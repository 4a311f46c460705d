"""Plants faults in a cluster, one after the other, and finds out who names them and when."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from model import paths
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import CHECKOUT, PulumiStack
from tests.e2e.seeded.fault import Fault, Place, Teller
from tests.e2e.seeded.watching import FLEET, Event, Watch

# What an operator is promised, beyond what physics needs.
LIMIT_SECONDS = 30
# A condition ends once it has been gone for a while, which doubles with each return: no flapping.
END_SECONDS = 150
LOOK_SECONDS = 0.2
COMMAND_SECONDS = 60
# Where a command's document lists what is wrong.
RECORDS = {Teller.STATUS: "conditions", Teller.CONSISTENCY: "rows", Teller.CIS: "results"}


@dataclass
class Finding:
    """What came of a fault: when it was named and in which words, and when that ended."""

    fault: Fault
    cluster: str
    seconds: float | None = None
    said: str = ""
    ended: float | None = None
    otherwise: str = ""
    error: str = ""

    @property
    def problem(self) -> str:
        """What is wrong with it; empty: nothing."""
        if self.error:
            return self.error
        if self.seconds is None:
            return f"not named within {LIMIT_SECONDS + self.fault.physics} s"
        return "" if self.ended is not None else f"has not ended after {END_SECONDS} s"

    def row(self) -> str:
        """Its line of the table."""
        seconds = "-" if self.seconds is None else f"{self.seconds:.1f}"
        ended = "-" if self.ended is None else f"{self.ended:.1f}"
        words = " / ".join(filter(None, (self.problem, self.said, self.otherwise)))
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

    def find(self, faults: Iterable[Fault]) -> list[Finding]:
        """Plant each fault and take it back."""
        return [self._find(fault) for fault in faults]

    def _find(self, fault: Fault) -> Finding:
        finding = Finding(fault, self._cluster)
        before = {event.condition for event in self._watch.open(self._cluster)}
        planted = time.monotonic()
        try:
            self._run(fault, fault.plant)
            self._await_named(finding, planted)
        except Exception as error:
            finding.error = f"cannot be planted: {error}"[:600]
        finally:
            restored = time.monotonic()
            try:
                self._run(fault, fault.restore)
            except Exception as error:
                finding.error += f" cannot be taken back: {error}"[:600]
        self._await_end(finding, before, restored)
        return finding

    def _await_named(self, finding: Finding, planted: float) -> None:
        fault = finding.fault
        deadline = time.monotonic() + LIMIT_SECONDS + fault.physics
        while time.monotonic() < deadline:
            if text := self._named(fault, planted):
                finding.seconds = time.monotonic() - planted
                finding.said = text
                return
            time.sleep(LOOK_SECONDS)
        finding.said = " + ".join(event.text for event in self._since(planted))
        tellers = (Teller.STATUS, Teller.CONSISTENCY, Teller.CIS)
        others = [each.value for each in tellers if self._command(fault, each)]
        finding.otherwise = f"named by {others}" if others else "named by no command"

    def _named(self, fault: Fault, planted: float) -> str:
        if fault.teller is not Teller.WATCH:
            return self._command(fault, fault.teller)
        texts = (event.text for event in self._since(planted) if event.began)
        return next((text for text in texts if self._matches(fault, text)), "")

    def _since(self, planted: float) -> list[Event]:
        return [
            event
            for event in list(self._watch.events)
            if event.at >= planted and event.cluster == self._cluster
        ]

    def _matches(self, fault: Fault, text: str) -> bool:
        node = self._names.get(fault.place, self._names[Place.WORKER])
        plane = self._names[Place.CONTROL_PLANE]
        names = (each.replace("NODE", node).replace("CONTROL-PLANE", plane) for each in fault.said)
        return all(re.search(name, text) for name in names)

    def _command(self, fault: Fault, teller: Teller) -> str:
        """Ask a command of the toolkit; return what it says of the fault, if it names it."""
        done = subprocess.run(
            [FLEET, teller.value, self._stack.name, "--cluster", self._cluster, "-o", "json"],
            env=self._stack.environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        if not done.stdout:
            return ""
        records = json.loads(done.stdout)[RECORDS[teller]]
        texts = (json.dumps(each) for each in records if each.get("state") != "pass")
        return next((text for text in texts if self._matches(fault, text)), "")

    def _await_end(self, finding: Finding, before: set[tuple[str, ...]], restored: float) -> None:
        """Wait until no condition is left that the fault brought."""
        deadline = time.monotonic() + END_SECONDS
        while time.monotonic() < deadline:
            new = [e for e in self._watch.open(self._cluster) if e.condition not in before]
            if not new and self._settled(finding):
                finding.ended = time.monotonic() - restored
                return
            time.sleep(LOOK_SECONDS)
        finding.otherwise += " left: " + " + ".join(event.text for event in new)

    def _settled(self, finding: Finding) -> bool:
        fault = finding.fault
        return fault.teller is Teller.WATCH or not self._command(fault, fault.teller)

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
                "SAVED": f"{self._kubeconfig}.saved",
                "PYTHON": sys.executable,
                "PLANE": str(root / self._names[Place.CONTROL_PLANE] / "root"),
                "WORKER": str(root / self._names[Place.WORKER] / "root"),
            },
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        assert done.returncode == 0, done.stderr
