"""A command that is run for each of several clusters."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from model.command_report import CommandResult
from scripts import report_schema
from scripts.fleet import command_run
from scripts.fleet.each_cluster import STDERR, STDOUT, EachCluster
from scripts.fleet.lazy_group import PROJECT
from tests.waiting import await_true

Lines = list[tuple[str, int, bytes]]


def files(folder: Path, *names: str) -> dict[str, Path]:
    for name in names:
        (folder / name).write_text(f"kubeconfig of {name}\n")
    return {name: folder / name for name in names}


def run(
    clusters: Mapping[str, Path],
    script: str,
    *,
    parallel: int = 16,
    seconds: float | None = None,
) -> tuple[list[CommandResult], Lines]:
    lines: Lines = []
    each = EachCluster(["sh", "-c", script], parallel, seconds)
    return each.run(clusters, lambda *line: lines.append(line)), lines


def test_each_run_has_its_own_cluster(tmp_path: Path) -> None:
    clusters = files(tmp_path, "two", "one")
    results, lines = run(clusters, 'cat "$KUBECONFIG"; echo "$FLEET_CLUSTER" >&2; cat')
    assert [each.cluster for each in results] == ["two", "one"]
    assert [(each.stdout, each.stderr) for each in results] == [
        ("kubeconfig of two\n", "two\n"),
        ("kubeconfig of one\n", "one\n"),
    ]
    assert ("one", STDOUT, b"kubeconfig of one") in lines
    assert ("two", STDERR, b"two") in lines


def test_a_failure_does_not_end_the_others(tmp_path: Path) -> None:
    clusters = files(tmp_path, "bad", "good", "killed")
    script = (
        "case $FLEET_CLUSTER in bad) exit 7;; killed) kill -9 $$;; *) sleep 0.3; echo done;; esac"
    )
    results, _ = run(clusters, script)
    assert [each.exit_status for each in results] == [7, 0, 137]
    assert results[1].stdout == "done\n"


def test_a_missing_command_is_named(tmp_path: Path) -> None:
    each = EachCluster(["no-such-command"], 1, None)
    (result,) = each.run(files(tmp_path, "one"), lambda *_: None)
    assert (result.exit_status, result.reason) == (
        None,
        "no-such-command: No such file or directory",
    )


def test_no_more_run_at_the_same_time_than_allowed(tmp_path: Path) -> None:
    clusters = files(tmp_path, *(f"c{number}" for number in range(5)))
    running = tmp_path / "running"
    running.mkdir()
    script = (
        f"touch {running}/$FLEET_CLUSTER; ls {running} | wc -l; sleep 0.1; "
        f"rm {running}/$FLEET_CLUSTER"
    )
    results, _ = run(clusters, script, parallel=2)
    assert {int(each.stdout) for each in results} <= {1, 2}
    results, _ = run(clusters, script, parallel=5)
    assert max(int(each.stdout) for each in results) > 2


def test_all_of_a_command_ends_with_its_time_limit(tmp_path: Path) -> None:
    """The background process holds the output open, and ignores the interrupt."""
    script = (
        "trap '' INT; echo begun; [ $FLEET_CLUSTER = fast ] || { sleep 300 & "
        f"echo $! >{tmp_path}/child; wait; }}"
    )
    began = time.monotonic()
    results, _ = run(files(tmp_path, "fast", "slow"), script, seconds=1)
    assert time.monotonic() - began < 10
    assert [each.exit_status for each in results] == [0, None]
    assert results[1].reason == "it did not end within 1 s"
    assert results[1].stdout == "begun\n"
    child = Path(f"/proc/{(tmp_path / 'child').read_text().strip()}")
    await_true(lambda: not child.exists(), "the end of the background process", seconds=5)


def test_lines_of_any_length_stay_whole(tmp_path: Path) -> None:
    script = "head -c 300000 /dev/zero | tr '\\0' x; echo; printf 'without an end'"
    _, lines = run(files(tmp_path, "one"), script)
    assert [(len(text), number) for _, number, text in lines] == [(300000, STDOUT), (14, STDOUT)]


PROGRAM = """
import sys
from pathlib import Path
from scripts import report_schema
from scripts.fleet import command_run
from scripts.fleet.each_cluster import EachCluster
output, *command = sys.argv[1:]
files = {name: Path("/nowhere") / name for name in ("tokyo", "ny")}
sys.exit(command_run.run(files, EachCluster(command, 16, None), output=output))
"""


def program(output: str, *command: str) -> Sequence[str]:
    return [sys.executable, "-c", PROGRAM, output, *command]


def printed(output: str, script: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        program(output, "sh", "-c", script), cwd=PROJECT, capture_output=True, check=False
    )


def test_lines_are_printed_behind_their_clusters_names() -> None:
    ran = printed("lines", "echo out; echo err >&2; printf '\\377'; [ $FLEET_CLUSTER = ny ]")
    out = [*ran.stdout.splitlines()]
    prefixes = [f"{name} │ ".encode() for name in ("tokyo", "ny   ")]
    assert sorted(out) == sorted(each + text for each in prefixes for text in (b"out", b"\xff"))
    errors = ran.stderr.decode().splitlines()
    assert sorted(errors[:2]) == ["ny    │ err", "tokyo │ err"]
    assert errors[2:] == ["The command failed for 1 of 2 clusters:", "  tokyo: exit status 1"]
    assert ran.returncode == 1
    assert printed("lines", "true").returncode == 0


def test_a_document_has_the_fields_of_the_schema() -> None:
    ran = printed("json", "echo $FLEET_CLUSTER; printf '\\377'")
    found = json.loads(ran.stdout)
    schema = json.loads((report_schema.DOCS / "exec.schema.json").read_text())
    assert found.keys() == schema["properties"].keys()
    for each in found["results"]:
        assert each.keys() == schema["$defs"]["CommandResult"]["properties"].keys()
    assert [(each["cluster"], each["stdout"]) for each in found["results"]] == [
        ("tokyo", "tokyo\n�"),
        ("ny", "ny\n�"),
    ]
    assert ran.stderr == b""


def test_a_closed_pipe_ends_it_quietly() -> None:
    command = program("lines", "sh", "-c", "yes | head -n 100000")
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.read(100)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 141


def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    command = program("lines", "sh", "-c", f"echo $$ >{tmp_path}/$FLEET_CLUSTER; exec sleep 300")
    with subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.DEVNULL) as process:
        pids = [tmp_path / "tokyo", tmp_path / "ny"]
        await_true(
            lambda: all(each.exists() and each.read_text().strip() for each in pids),
            "both commands",
            seconds=20,
        )
        process.send_signal(signal.SIGINT)
        process.wait(20)
        for each in pids:
            assert not Path(f"/proc/{each.read_text().strip()}").exists()


def test_kubectl_of_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "bin" / "kubectl"
    bundled = tmp_path / "cache" / "bundles" / "v1.36.3-amd64" / "bin" / "kubectl"
    for each in (own, bundled):
        each.parent.mkdir(parents=True)
        each.write_text("#!/bin/sh\n")
        each.chmod(0o755)
    monkeypatch.setenv("KUBEADM_FLEET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{own.parent}{os.pathsep}/usr/bin")
    assert command_run.kubectl() == str(own)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command_run.kubectl() == str(bundled)
