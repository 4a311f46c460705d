"""scripts/node/crashes.sh: what runs for a moment only is not running, and says why."""

import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.node.steps.disk import Disk

KLOG = 'E1126 03:00:00.123456    4242 run.go:72] "command failed" err="unknown field: maxPod"'
STAND_INS = """
systemctl() { printf 'ActiveState=%s\\nSubState=%s\\nNRestarts=%s\\n' "$ACTIVE" "$SUB" "$COUNT"
  echo "ExecMainStartTimestampMonotonic=$(awk -v age="$AGE" \
    '{printf "%.0f", ($1 - age) * 1e6}' /proc/uptime)"; }
journalctl() { cat "$JOURNAL"; }
pgrep() { return 1; }
"""


def call(disk: Disk, function: str, **settings: object) -> str:
    text = "".join(f"{key}={value}\n" for key, value in settings.items())
    ran = disk.run(f"{STAND_INS}{text}set -Eeuo pipefail\n{function}", "crashes")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.mark.parametrize(
    ("active", "sub", "count", "age", "state"),
    [
        ("activating", "auto-restart", 7, 1, "crash-looping"),
        ("activating", "auto-restart-queued", 7, 1, "crash-looping"),
        ("active", "running", 7, 1, "crash-looping"),
        ("activating", "start", 7, 1, "crash-looping"),
        ("active", "running", 7, 60, "active"),
        ("active", "running", 0, 1, "active"),
        ("activating", "auto-restart", 1, 1, "activating"),
        ("inactive", "dead", 7, 60, "inactive"),
        ("failed", "failed", 7, 1, "failed"),
    ],
)
def test_a_service_that_is_restarted_again_and_again_does_not_run(
    disk: Disk, active: str, sub: str, count: int, age: int, state: str
) -> None:
    settings = {"ACTIVE": active, "SUB": sub, "COUNT": count, "AGE": age}
    assert call(disk, "service_state kubelet", **settings) == state


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (f"I1126 starting\n{KLOG}\nUsage:\n  --error-level int\n", '"command failed" err="unknown'),
        ('time="x" level=fatal msg="no such plugin"\nmore\n', "no such plugin"),
        ("[ALERT]    (7) : config : unknown keyword\n", "[ALERT]"),
        ("just this\n", "just this"),
        ("", "it logged nothing"),
        (
            f"error: token=abcdef.0123 password: hunter2 {'x' * 999}\n",
            "error: token=*** password: ***",
        ),
    ],
)
def test_its_last_error_is_the_reason(disk: Disk, log: str, words: str) -> None:
    journal = disk.folder / "journal"
    journal.write_text(log)
    settings = {"ACTIVE": "activating", "SUB": "auto-restart", "COUNT": 7, "AGE": 1}
    said = call(disk, "service_crash kubelet", JOURNAL=journal, **settings)
    assert words in said
    assert len(said) <= 300
    assert "hunter2" not in said
    assert call(disk, "service_crash kubelet", **{**settings, "COUNT": 0}) == ""


def logs(disk: Disk, *lives: tuple[int, float], text: str = "Error: unknown flag: --such") -> None:
    """Let the API server's pod have logs with these numbers, of containers that lived this long."""
    folder = disk.folder / "var/log/pods/kube-system_kube-apiserver-node_uid/kube-apiserver"
    folder.mkdir(parents=True, exist_ok=True)
    for number, seconds in lives:
        began = datetime.now(UTC) - timedelta(seconds=seconds)
        log = folder / f"{number}.log"
        log.write_text(
            f"{began.isoformat()} stderr F starting\n{began.isoformat()} stderr F {text}\n"
        )
        os.utime(log, (time.time(), time.time()))


def test_a_static_pod_that_ends_at_once_is_named_with_its_error(disk: Disk) -> None:
    assert call(disk, "pod_crash kube-apiserver") == ""
    logs(disk, (0, 1))
    assert call(disk, "pod_crash kube-apiserver") == "", "it may just have started"
    logs(disk, (1, 1), (2, 1))
    assert call(disk, "pod_crash kube-apiserver") == "Error: unknown flag: --such"
    running = "pgrep() { echo 1; }; ps() { echo 60; }; pod_crash kube-apiserver"
    assert call(disk, running) == "", "it runs now"
    assert call(disk, "pod_crash etcd") == ""


def test_a_static_pod_that_waited_for_another_is_not_crash_looping(disk: Disk) -> None:
    """An API server ends after 20 s without etcd, which may only be slow."""
    logs(disk, (2, 21), (3, 1))
    assert call(disk, "pod_crash kube-apiserver") == ""


def test_a_static_pod_that_the_step_has_ended_itself_is_not_crash_looping(disk: Disk) -> None:
    """Two changes in a row restart a component that has run for seconds only."""
    logs(disk, (2, 1), (3, 1))
    ended = 'mkdir -p "$STATE"; touch --date="{} seconds" "$STATE/components-ended"; '
    assert call(disk, f"{ended.format(60)}pod_crash kube-apiserver") == ""
    earlier = f"{ended.format(-600)}pod_crash kube-apiserver"
    assert call(disk, earlier) == "Error: unknown flag: --such"


def test_a_wait_ends_when_what_it_waits_for_is_crash_looping(disk: Disk) -> None:
    logs(disk, (2, 1), (3, 1))
    waits = "LIB_STARTED=$EPOCHREALTIME; await 300 'it' unless_crashing pod kube-apiserver false"
    ended = disk.run(f"{STAND_INS}{waits}", "crashes")
    assert ended.returncode == 1
    assert "kube-apiserver is crash-looping: Error: unknown flag: --such" in ended.stderr


@pytest.mark.parametrize(("count", "status"), [(0, 0), (7, 1)])
def test_kubeadm_does_not_wait_for_a_kubelet_that_crash_loops(
    disk: Disk, count: int, status: int
) -> None:
    journal = disk.folder / "journal"
    journal.write_text(KLOG)
    config = disk.folder / "var/lib/kubelet/config.yaml"
    config.parent.mkdir()
    config.write_text("maxPod: 5")
    waits = "sleep 2" if status == 0 else "sleep 60"
    settings = f"ACTIVE=activating SUB=auto-restart AGE=1 COUNT={count} JOURNAL={journal}"
    began = time.monotonic()
    ran = disk.run(
        f"{STAND_INS}{settings}\nset -Eeuo pipefail\nlogged_beside_kubelet join {waits}; echo done",
        "crashes",
    )
    assert ran.returncode == status, ran.stderr
    assert time.monotonic() - began < 20
    assert ("done" in ran.stdout) == (status == 0)
    assert ('the kubelet is crash-looping: "command failed"' in ran.stderr) == (status == 1)
    failed = disk.run(f"{STAND_INS}set -Ee\nlogged_beside_kubelet join false; echo done", "crashes")
    assert (failed.returncode, failed.stdout) == (1, "")
