"""Categories of the official suite on a cluster that enforces policies: `make conformance`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from model import paths
from model.files import remove
from model.pins import KUBERNETES
from ops.nspawn.spec import MachineSpec
from scripts.bench.subnet import subnet
from tests.conformance import pod_security_fixtures, recipes
from tests.conformance.suite import AUTHENTICATION, NETWORK_POLICY, SECCOMP, Category, Suite
from tests.e2e.life import access, living
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import PulumiStack

pytestmark = [pytest.mark.root, pytest.mark.long, pytest.mark.timeout(5400)]

ARCHIVE = "conformance.tar"
# One test after another; those of NetworkPolicies start pods in three namespaces each.
SECONDS = {"network-policy": 3600, "authentication": 900, "seccomp": 600, "pod-security": 600}
# As many as the library of Kubernetes 1.36.3 has.
POD_SECURITY_TESTS = 686
POD_SECURITY_FIXTURES = 1512


@pytest.fixture(scope="module")
def executable() -> Path:
    """The suite, built before any machine exists."""
    return recipes.suite(KUBERNETES)


@pytest.fixture(scope="module")
def pod_security() -> Path:
    """The program with the fixtures of Pod Security, built before any machine exists."""
    return recipes.pod_security(KUBERNETES)


@pytest.fixture(scope="module")
def suite(executable: Path, pod_security: Path) -> Iterator[Suite]:
    """The suite for a new cluster, on whose machines its images are."""
    with subnet(94) as network:
        config = {
            "kubernetesVersion": KUBERNETES.removeprefix("v"),
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            "clusters": {
                "cluster1": {
                    "machines": {"subnet": str(network)},
                    "networking": {"networkPolicy": "calico"},
                    "controlPlanes": {"count": 1},
                    "workers": {"count": 2},
                }
            },
        }
        with living(config) as stack:
            kubectl = paths.bundle_dir(KUBERNETES) / "bin" / "kubectl"
            suite = Suite(executable, access(stack).kubeconfig, kubectl)
            for build in (recipes.agnhost, recipes.busybox):
                put_image(stack, build(KUBERNETES, suite.image(build.__name__)))
            yield suite


def put_image(stack: PulumiStack, archive: Path) -> None:
    """Import an image on all machines, through the folder that containerd has on this host."""
    machines = Machines(stack)
    for file in sorted(stack.machines.glob("*/*/spec.json")):
        spec = MachineSpec.read(file.parent)
        assert spec is not None
        copy = file.parent / "containerd" / ARCHIVE
        copy.write_bytes(archive.read_bytes())
        machines.run(
            spec.hostname,
            f"ctr --namespace k8s.io images import --local /var/lib/containerd/{ARCHIVE}",
        )
        copy.unlink()


def reports(name: str) -> Path:
    """Return the folder of a category's reports, without those of an earlier run."""
    folder = paths.cache_dir() / "conformance" / "reports" / name
    remove(folder)
    return folder


def passes(suite: Suite, name: str, category: Category) -> None:
    """Run a category, which must have no failures; its reports stay in the cache."""
    folder = reports(name)
    results = suite.run(category, folder, SECONDS[name])
    print(f"\n  {name}: {results}; reports in {folder}")
    assert not results.failed, f"{results}; the log is {folder / 'log'}"
    assert len(results.passed) >= category.least, f"{results}: fewer than {category.least}"


def test_authentication(suite: Suite) -> None:
    passes(suite, "authentication", AUTHENTICATION)


def test_seccomp(suite: Suite) -> None:
    passes(suite, "seccomp", SECCOMP)


def test_network_policy(suite: Suite) -> None:
    passes(suite, "network-policy", NETWORK_POLICY)


def test_pod_security(suite: Suite, pod_security: Path) -> None:
    folder = reports("pod-security")
    found = pod_security_fixtures.run(
        pod_security, suite.kubeconfig, folder, SECONDS["pod-security"]
    )
    print(f"\n  pod-security: {found}; reports in {folder}")
    assert not found.results.failed, f"{found}; the log is {folder / 'log'}"
    assert len(found.results.passed) >= POD_SECURITY_TESTS, str(found)
    assert found.pods == found.controllers >= POD_SECURITY_FIXTURES, str(found)
