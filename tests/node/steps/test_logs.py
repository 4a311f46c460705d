"""scripts/node/logs.sh on log files of the test: what it prints, and when it ends."""

import os
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from model.render import node_scripts
from ops.hosts.operations import OPERATIONS
from tests.waiting import await_true

POD = "kube-system_kube-apiserver-node_0123"


def line(text: str, age: int = 0, flag: str = "F") -> str:
    """A line as the container runtime writes it, `age` seconds ago."""
    time = datetime.now().astimezone() - timedelta(seconds=age)
    return f"{time.isoformat(timespec='microseconds')} stderr {flag} {text}\n"


@pytest.fixture
def pods(tmp_path: Path) -> Path:
    """The logs of an API server that was restarted, and of a pod with two containers."""
    pods = tmp_path / "pods"
    files = {
        f"{POD}/kube-apiserver/0.log": line("before the restart", age=4000),
        f"{POD}/kube-apiserver/1.log": (
            line("an hour ago", age=3600) + line("ten minutes", age=600) + line("  now")
        ),
        f"{POD}/kube-apiserver/0.log.20260101-000000": line("rotated"),
        "default_web_4567/main/0.log": line("main"),
        "default_web_4567/side/0.log": line("side"),
    }
    for number, (name, content) in enumerate(files.items()):
        file = pods / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        os.utime(file, (number, number))
    return pods


def start(pods: Path, container: str, **settings: str) -> "subprocess.Popen[str]":
    wanted = {"FOLLOW": "no", "LAST_LINES": "", "SINCE_SECONDS": "", "CONTAINER": container}
    text = node_scripts.compose(OPERATIONS["container_log"].script, wanted | settings)
    text = text.replace("PODS=/var/log/pods", f"PODS={pods}")
    return subprocess.Popen(
        ["bash", "-c", text + "container_log"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def shown(pods: Path, container: str, **settings: str) -> list[str]:
    """What it shows with its standard input open."""
    process = start(pods, container, **settings)
    assert process.stdout
    assert process.stdin
    found = process.stdout.read().splitlines()
    assert process.wait() == 0
    process.stdin.close()
    return found


def test_the_last_log_is_shown_without_runtime_prefixes(pods: Path) -> None:
    assert shown(pods, "kube-apiserver") == ["an hour ago", "ten minutes", "  now"]
    assert shown(pods, "main") == ["main"]


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({"LAST_LINES": "2"}, 2),
        ({"SINCE_SECONDS": "900"}, 2),
        ({"SINCE_SECONDS": "5"}, 1),
        ({"SINCE_SECONDS": "900", "LAST_LINES": "1"}, 1),
        ({"SINCE_SECONDS": "900", "LAST_LINES": "9"}, 2),
        ({"LAST_LINES": "0"}, 0),
    ],
)
def test_only_the_requested_lines_are_shown(
    pods: Path, settings: dict[str, str], count: int
) -> None:
    every = ["an hour ago", "ten minutes", "  now"]
    assert shown(pods, "kube-apiserver", **settings) == every[3 - count :]


def test_a_missing_log_lists_the_existing_ones(pods: Path) -> None:
    process = start(pods, "etcd")
    _, said = process.communicate()
    assert process.returncode == 3
    assert said == (
        "there is no log of a container etcd on this machine; containers with logs: "
        "kube-apiserver main side\n"
    )


@pytest.fixture
def following(pods: Path) -> Iterator["subprocess.Popen[str]"]:
    """It, following the API server's log."""
    with start(pods, "kube-apiserver", FOLLOW="yes", LAST_LINES="1") as process:
        yield process
        process.kill()


def test_followed_lines_are_shown_at_once(pods: Path, following: "subprocess.Popen[str]") -> None:
    assert following.stdout
    assert following.stdout.readline() == "  now\n"
    with (pods / POD / "kube-apiserver/1.log").open("a") as file:
        file.write(line("and then"))
    assert following.stdout.readline() == "and then\n"


def test_nothing_is_left_running_when_the_input_ends(
    pods: Path, following: "subprocess.Popen[str]"
) -> None:
    assert following.stdout
    assert following.stdin
    assert following.stdout.readline() == "  now\n"
    assert readers(pods)
    following.stdin.close()
    following.wait(timeout=10)
    await_true(lambda: not readers(pods), "its readers to end", seconds=10)


def readers(pods: Path) -> list[str]:
    """Processes that read these logs."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == b"tail" and str(pods) in words[-2].decode():
            found.append(file.parent.name)
    return found
