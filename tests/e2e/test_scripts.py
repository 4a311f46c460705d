"""Scripts of node steps that change between two runs, as an update of the program does."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.pulumi.cli import UNATTENDED
from scripts.bench.subnet import subnet
from tests.e2e.life import living
from tests.e2e.pulumi_stack import CHECKOUT, PulumiStack
from tests.tmp_machines import workshop

pytestmark = [pytest.mark.root, pytest.mark.slow]

WORKER, ANOTHER = "cluster1-worker-0", "cluster1-worker-1"
JOIN, PREPARE = Path("scripts/node/worker.sh"), Path("scripts/node/prepare.sh")
# What a step of the later scripts says.
LATER = "joined with the later script"
CUT_OFF = "the join was cut off"
IGNORED = shutil.ignore_patterns(".*", "__pycache__")


@pytest.fixture(scope="module")
def program() -> Iterator[Path]:
    """A copy of the program with a store of its own, whose scripts a test may change."""
    with workshop() as folder:
        copy = folder / "program"
        shutil.copytree(CHECKOUT, copy, ignore=IGNORED)
        (copy / ".venv").symlink_to(CHECKOUT / ".venv")
        edit(copy / "model/paths.py", 'cache_dir() / "content"', f'Path("{store(copy)}")')
        yield copy


@pytest.fixture(scope="module")
def fleet(program: Path) -> Iterator[PulumiStack]:
    """A stack of the copy with two machines, up."""
    with subnet(89) as network:
        config = {
            "kubernetesVersion": "1.36.3",
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            # Its pod on a worker whose machine is gone would be waited for until the Node is lost.
            "metricsServer": False,
            "clusters": {
                "cluster1": {
                    "machines": {"subnet": str(network)},
                    "controlPlanes": {"count": 1},
                    "workers": {"count": 1},
                }
            },
        }
        with living(config, program) as stack:
            yield stack


def store(program: Path) -> Path:
    """The folder of the texts that this program sends."""
    return program.parent / "content"


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_the_state_holds_no_text_of_a_script_or_file(fleet: PulumiStack) -> None:
    state = fleet.succeed("stack", "export", "--show-secrets").output
    for text in ("begin_membership", "step_prepare()", "[plugins.", "ExecStart="):
        assert text not in state


def test_a_later_script_runs_again_where_it_may_and_joins_nobody_again(
    fleet: PulumiStack, program: Path
) -> None:
    edit(program / JOIN, 'say "joined"', f'say "{LATER}"')
    assert (run := fleet.up()).changes == {}, run.output
    edit(program / PREPARE, 'say "ready for kubeadm"', 'say "ready for kubeadm again"')
    finished = fleet.up()
    machines = ("cluster1-control-plane-0", WORKER)
    assert sorted(finished.steps("update")) == [f"{machine}-prepare" for machine in machines]
    assert finished.steps("create", "replace", "delete") == []
    assert (run := fleet.up()).changes == {}, run.output


def test_a_later_script_resumes_a_join_that_was_cut_off(fleet: PulumiStack, program: Path) -> None:
    """One worker is new, the other is another machine behind its name."""
    edit(program / JOIN, 'say "joining"', f'die "{CUT_OFF}" "go on"')
    fleet.config["clusters"]["cluster1"]["workers"]["count"] = 2
    replace = ("--replace", f"**ContainerMachine::{WORKER}")
    failed = fleet.run("up", *UNATTENDED, *replace)
    assert failed.status != 0
    assert failed.output.count(CUT_OFF) >= 2, failed.output

    edit(program / JOIN, f'die "{CUT_OFF}" "go on"', 'say "joining"')
    finished = fleet.up()
    assert {f"{WORKER}-join", f"{ANOTHER}-join"} <= set(
        finished.steps("create", "create-replacement")
    )
    assert finished.output.count(LATER) >= 2, finished.output
    nodes = fleet.output("clusters")["cluster1"]["nodes"]
    assert [node["ready"] for node in nodes] == [True] * 3
    assert (run := fleet.up()).changes == {}, run.output


def test_without_the_store_machines_are_refreshed_and_ended(
    fleet: PulumiStack, program: Path
) -> None:
    """Neither runs the program, which fills it."""
    assert list(store(program).iterdir())
    shutil.rmtree(store(program))
    fleet.refresh()
    assert not store(program).exists()
    assert (run := fleet.up()).changes == {}, run.output
    shutil.rmtree(store(program))
    fleet.destroy()
