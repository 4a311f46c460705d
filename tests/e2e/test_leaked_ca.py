"""One command replaces the CA of a small cluster, which has leaked. Run with `-s` for figures."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from model.paths import cache_dir
from scripts.bench.subnet import subnet
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.pulumi_stack import CHECKOUT, PulumiStack
from tests.scripts.conftest import IGNORED, copy_checkout

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1500)]

NODES = ["cluster1-control-plane-0", "cluster1-worker-0"]
# Nothing is waited for: three runs, and components that restart in two of them.
ROTATED_SECONDS = 300


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of its own: the command changes the stack's file in it."""
    folder = copy_checkout(tmp_path_factory.mktemp("rotation") / "checkout")
    shutil.copytree(CHECKOUT / "components", folder / "components", ignore=IGNORED)
    shutil.copy(CHECKOUT / "__main__.py", folder)
    (folder / ".venv").symlink_to(CHECKOUT / ".venv")
    return folder


@pytest.fixture(scope="module")
def fleet(checkout: Path) -> Iterator[PulumiStack]:
    with subnet(89) as network:
        config = {
            "kubernetesVersion": "1.36.3",
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            "clusters": {
                "cluster1": {"machines": {"subnet": str(network)}, "workers": {"count": 1}}
            },
        }
        with living(config, checkout) as stack:
            (checkout / stack.config_file.name).symlink_to(stack.config_file)
            yield stack


def run_fleet(fleet: PulumiStack, *arguments: str) -> str:
    """Run the command with the stack, which must succeed; return what it printed."""
    own = {"HOME": str(fleet.folder), "KUBEADM_FLEET_CACHE": str(cache_dir())}
    finished = subprocess.run(
        [".venv/bin/fleet", *arguments, "--stack", fleet.name],
        cwd=fleet.cli.project,
        env={**fleet.environment, **own},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout + finished.stderr


def test_a_leaked_ca_is_replaced_by_one_command(fleet: PulumiStack) -> None:
    path = fleet.folder / "former-kubeconfig"
    path.touch(mode=0o600)
    path.write_text(fleet.output("kubeconfig"))
    began = time.monotonic()
    said = run_fleet(fleet, "rotate", "ca", "--cluster", "cluster1", "--now", "--yes")
    seconds = time.monotonic() - began
    written = yaml.safe_load(fleet.config_file.read_text())["config"]["kubeadm-fleet:fleet"]
    assert written["clusters"]["cluster1"]["rotations"] == {"ca": "finish"}
    fleet.config = written
    print(f"\nthe CA was replaced in {seconds:.0f} s")
    assert "In cluster1, kubeconfigs that were handed over stop working" in said
    with pytest.raises(AssertionError, match="unknown authority"):
        Kubectl(path)("get", "nodes")
    assert access(fleet).node_names() == NODES
    assert "finish" in run_fleet(fleet, "rotate", "status")
    assert (run := fleet.up()).changes == {}, run.output
    assert seconds < ROTATED_SECONDS
