"""scripts/node/pod_shutdown.sh: containers end with their machine, in order, and none is waited for
that cannot react.

Real processes, in a PID namespace of their own: this host's containers have shims of the same name.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from model.render.node_scripts import source

pytestmark = [pytest.mark.root, pytest.mark.timeout(60)]
# A shim is a shell with that name. What it starts notes what it receives in the file `ended`.
WORLD = """
set -u
note() { trap "echo $1 >>ended; exit" TERM; touch "ready-$1"; while :; do sleep 0.05; done; }
deaf() { trap "" TERM; touch "ready-$1"; while :; do sleep 0.05; done; }
export -f note deaf
start() { ./containerd-shim-runc-v2 -c "$1 & wait" 2>/dev/null & }
await() { until [[ -e ready-$1 ]]; do sleep 0.02; done; }
systemctl() { echo "$SYSTEM"; }
"""


def run(folder: Path, world: str, system: str = "stopping", seconds: int = 30) -> str:
    """End the pods of this world; return what ended, and with which seconds, line by line."""
    for name in ("containerd-shim-runc-v2", "etcd", "pause", "app", "worker"):
        shutil.copy("/bin/bash", folder / name)
    script = source("pod_shutdown").replace("=30", f"={seconds}")
    program = f"{script}\nSYSTEM={system}\n{WORLD}\n{world}\n"
    ended = subprocess.run(
        ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-c", program],
        cwd=folder, capture_output=True, text=True, timeout=40,
    )  # fmt: skip
    assert not ended.stderr
    return ended.stdout


def ended(folder: Path) -> list[str]:
    file = folder / "ended"
    return file.read_text().split() if file.exists() else []


def test_etcd_ends_after_its_clients_and_sandboxes_last(tmp_path: Path) -> None:
    left = run(
        tmp_path,
        """
        for name in pause etcd app; do start "./$name -c 'note $name'"; await $name; done
        end_pods
        until [[ -z $(pod_processes all-but) ]]; do sleep 0.05; done
        echo none
        """,
    )
    assert left == "none\n"
    # A sandbox is killed: it may be the first process of its pod's others.
    assert ended(tmp_path) == ["app", "etcd"]


def test_a_first_process_that_handles_no_signal_is_not_waited_for(tmp_path: Path) -> None:
    """As a shell that is the first process of its container."""
    left = run(
        tmp_path,
        """
        # The first child of what unshare runs is the first process of the new namespace.
        unshare --pid ./containerd-shim-runc-v2 -c \\
          './app -c "touch ready-app; while :; do sleep 0.1; done" & wait' 2>/dev/null &
        await app
        pod_processes all-but | cut --delimiter " " --fields 2
        SECONDS=0
        end_pods
        echo "$SECONDS s"
        pod_processes all-but
        """,
    )
    assert left in {"no\n0 s\n", "no\n1 s\n"}


def test_what_ignores_sigterm_is_killed_after_a_time(tmp_path: Path) -> None:
    left = run(
        tmp_path,
        """
        start "./worker -c 'deaf worker'"; await worker
        SECONDS=0
        end_pods
        echo "$SECONDS s"
        pod_processes all-but
        """,
        seconds=1,
    )
    assert left in {"1 s\n", "2 s\n"}


@pytest.mark.parametrize("system", ["running", "degraded", ""])
def test_nothing_ends_when_containerd_alone_stops(tmp_path: Path, system: str) -> None:
    left = run(
        tmp_path,
        """
        start "./app -c 'note app'"; await app
        end_pods
        pod_processes all-but | wc --lines
        """,
        system=system or "''",
    )
    assert left == "1\n"
    assert ended(tmp_path) == []


def test_other_processes_of_the_machine_are_left_alone(tmp_path: Path) -> None:
    left = run(
        tmp_path,
        """
        ./app -c 'note app' & started=$!; await app
        end_pods
        kill -0 $started && echo there
        """,
    )
    assert left == "there\n"
    assert ended(tmp_path) == []
