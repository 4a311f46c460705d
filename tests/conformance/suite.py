"""Categories of the official suite, and how they are run against a cluster."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.conformance import report
from tests.conformance.report import Results


@dataclass(frozen=True)
class Category:
    """Tests whose full name matches `focus` and not `skip`; at least `least` must have passed."""

    focus: str
    least: int
    skip: str = r"\[Serial\]|\[Disruptive\]|\[Slow\]|\[Alpha\]"


# SCTP needs a kernel module that hosts of container machines may not have.
NETWORK_POLICY = Category(
    r"\[sig-network\] Netpol", 45, r"\[Feature:SCTPConnectivity\]|\[Serial\]|\[Disruptive\]"
)
AUTHENTICATION = Category(r"\[sig-auth\].*\[Conformance\]", 10)
# All of a container machine has a seccomp filter of nspawn's, so that nothing there is unconfined.
SECCOMP = Category(r"\[sig-node\] Security Context should support seccomp", 1, "unconfined")


@dataclass(frozen=True)
class Suite:
    """The suite's executable, for the cluster of a kubeconfig."""

    executable: Path
    kubeconfig: Path
    kubectl: Path

    def images(self) -> list[str]:
        """Return the names of all images that the suite knows."""
        done = subprocess.run(
            [str(self.executable), "--list-images"], capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    def image(self, name: str) -> str:
        """Return the name with its newest tag of the image `name`, for example "agnhost"."""
        found = [each for each in self.images() if f"/{name}:" in each and "e2e-test" in each]
        assert found, f"the suite has no image {name}"
        return max(found, key=_version)

    def run(self, category: Category, folder: Path, seconds: int) -> Results:
        """Run a category, with its log and reports in `folder`; return what its report says."""
        folder.mkdir(parents=True)
        file = folder / "report.json"
        command = [
            str(self.executable),
            f"--kubeconfig={self.kubeconfig}",
            f"--kubectl-path={self.kubectl}",
            "--provider=skeleton",
            f"--ginkgo.focus={category.focus}",
            f"--ginkgo.skip={category.skip}",
            f"--ginkgo.timeout={seconds}s",
            f"--ginkgo.json-report={file}",
            f"--ginkgo.junit-report={folder / 'junit.xml'}",
            "--ginkgo.no-color",
        ]
        with (folder / "log").open("wb") as log:
            # The suite keeps its own time limit, and cleans up after it.
            done = subprocess.run(
                command, stdout=log, stderr=subprocess.STDOUT, timeout=seconds + 120
            )
        assert file.exists(), f"status {done.returncode}, and no report: {folder / 'log'}"
        return report.read(file)


def _version(reference: str) -> tuple[int, ...]:
    """Return the tag of an image as numbers: "2.63.0" or "1.37.0-1"."""
    tag = reference.rpartition(":")[2]
    return tuple(int(part) for part in tag.replace("-", ".").split(".") if part.isdigit())
