"""The fixtures of Kubernetes' own tests of Pod Security admission, and what became of them.

The library asks for each fixture twice, as a dry run: as a pod, and as the template of a
Deployment, in a namespace with the labels of one level and one version.
https://pkg.go.dev/k8s.io/pod-security-admission/test
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.report import Results

ENDED = re.compile(r"^ +--- (PASS|FAIL|SKIP): TestPodSecurity/(\S+)", re.MULTILINE)
# The library's message of one fixture: its number in its test, and what was expected.
DIFFERENT = re.compile(r"^ +run\.go:\d+: \d+: ", re.MULTILINE)
ASKED = re.compile(r"asked for (\d+) pods and (\d+) controllers")


@dataclass(frozen=True)
class Fixtures:
    """Results of tests, each with the fixtures of one rule, level and version.

    `pods` and `controllers` are how many were asked for, `different` how many of both were treated
    in another way than the library expects.
    """

    results: Results
    pods: int
    controllers: int
    different: int

    def __str__(self) -> str:
        asked = self.pods + self.controllers
        return (
            f"{self.results}; {self.pods} fixtures as pods and as controllers: "
            f"{asked - self.different} of {asked} as the library says"
        )


def run(executable: Path, kubeconfig: Path, folder: Path, seconds: int) -> Fixtures:
    """Run all fixtures against the cluster of a kubeconfig, with the log in `folder`."""
    folder.mkdir(parents=True)
    with (folder / "log").open("wb") as log:
        done = subprocess.run(
            [str(executable), "-test.v", f"-test.timeout={seconds}s"],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "KUBECONFIG": str(kubeconfig)},
            timeout=seconds + 60,
        )
    return read((folder / "log").read_text(), done.returncode)


def read(log: str, status: int) -> Fixtures:
    """Read the log of a program that ended with `status`; an end without a count is an error."""
    asked = ASKED.search(log)
    assert asked, f"status {status}, and the log does not say how many were asked for:\n{log}"
    ended = ENDED.findall(log)
    passed = tuple(name for state, name in ended if state == "PASS")
    failed = tuple(name for state, name in ended if state == "FAIL")
    skipped = tuple(name for state, name in ended if state == "SKIP")
    if status and not failed:
        failed = ("TestPodSecurity",)
    return Fixtures(
        Results(passed, failed, skipped), int(asked[1]), int(asked[2]), len(DIFFERENT.findall(log))
    )
