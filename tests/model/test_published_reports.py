"""The probe pod's second container: what it publishes of the machine's report, and when."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.model.test_probe import container, daemon_set

BUSYBOX = """#!/bin/sh
case $1 in
  sleep) exec sleep 0.05 ;;
  date) cat "$NOW" ;;
esac
"""
pytestmark = pytest.mark.timeout(30)
NOW = 1795757045
BOOT = NOW - 5000


class Publisher:
    """The container with a folder of the machine; `lines` are those that it has written."""

    def __init__(self, folder: Path) -> None:
        self.report, self.now = folder / "report.json", folder / "now"
        self.uptime = folder / "uptime"
        program = folder / "busybox"
        program.write_text(BUSYBOX)
        program.chmod(0o755)
        self.set_time(NOW)
        script = container("host")["command"][-1].replace("/proc/uptime", str(self.uptime))
        environment = {"PATH": f"{folder}:{os.environ['PATH']}", "NOW": str(self.now)}
        self.process = subprocess.Popen(
            ["sh", "-c", script],
            env={**environment, "REPORT": str(self.report)},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def set_time(self, seconds: int, off: int = 0) -> None:
        """Let time pass until then; the machine's clock is off by so much."""
        self.set_clock(seconds + off)
        self._replace(self.uptime, f"{seconds - BOOT}.42 17.00\n")

    def set_clock(self, seconds: int) -> None:
        """Set the machine's clock."""
        self._replace(self.now, f"{seconds}\n")

    def write(self, text: str) -> None:
        self._replace(self.report, text)

    def _replace(self, path: Path, text: str) -> None:
        new = path.with_name("new")
        new.write_text(text)
        new.rename(path)

    def line(self) -> Any:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    publisher = Publisher(tmp_path)
    yield publisher
    publisher.stop()


def report(seconds: int, **more: Any) -> str:
    return json.dumps({"time": seconds, "version": 1, **more}) + "\n"


def test_a_report_is_published_when_it_changes_when_it_stops_and_now_and_then(
    publisher: Publisher,
) -> None:
    assert publisher.line() == {"reporting": False, "report": None}, "none yet"
    publisher.write(report(NOW))
    assert publisher.line() == {"reporting": True, "report": {"time": NOW, "version": 1}}
    publisher.write(report(NOW + 20))
    publisher.write(report(NOW + 40, swap="on"))
    said = publisher.line()
    assert said["report"]["time"] == NOW + 40, "another time alone is no change"
    publisher.set_time(NOW + 161)
    assert publisher.line()["reporting"] is False
    publisher.write(report(NOW + 161, swap="on"))
    assert publisher.line()["reporting"] is True
    publisher.write(report(NOW + 761, swap="on"))
    publisher.set_time(NOW + 761)
    assert publisher.line()["report"]["time"] == NOW + 761


@pytest.mark.parametrize("off", [86400, -86400])
def test_a_clock_that_is_set_neither_stops_a_report_nor_keeps_it(
    publisher: Publisher, off: int
) -> None:
    publisher.write(report(NOW))
    while not publisher.line()["reporting"]:
        pass
    publisher.set_clock(NOW + off)
    publisher.write(report(NOW, swap="on"))
    assert publisher.line()["reporting"] is True, "before the next report has the new time"
    publisher.write(report(NOW + off + 20, swap="on"))
    publisher.set_time(NOW + 100, off)
    publisher.write(report(NOW + off + 20, swap="off"))
    assert publisher.line()["reporting"] is True
    publisher.set_time(NOW + 260, off)
    assert publisher.line()["reporting"] is False


def test_a_report_that_stopped_is_stale_although_the_clock_was_set_back(
    publisher: Publisher,
) -> None:
    publisher.write(report(NOW))
    while not publisher.line()["reporting"]:
        pass
    publisher.set_time(NOW + 160, -86400)
    assert publisher.line()["reporting"] is False


def test_a_report_from_before_the_pod_is_as_old_as_it_says(tmp_path: Path) -> None:
    for age, reporting in ((200, False), (60, True), (-60, True)):
        folder = tmp_path / str(age)
        folder.mkdir()
        (folder / "report.json").write_text(report(NOW - age))
        publisher = Publisher(folder)
        try:
            assert publisher.line()["reporting"] is reporting
        finally:
            publisher.stop()


@pytest.mark.parametrize("text", ["", "garbage\n", "null\n", '{"time": x}\n'])
def test_what_is_no_report_is_not_published(publisher: Publisher, text: str) -> None:
    publisher.write(report(NOW))
    while not publisher.line()["reporting"]:
        pass
    publisher.write(text)
    assert publisher.line() == {"reporting": False, "report": None}


def test_the_pod_has_the_folder_of_reports_alone_and_only_to_read() -> None:
    pod = daemon_set()["spec"]["template"]["spec"]
    (volume,) = pod["volumes"]
    assert volume["hostPath"]["path"] == "/run/kubeadm-fleet-drift"
    (mount,) = container("host")["volumeMounts"]
    assert mount["readOnly"] is True
    assert "volumeMounts" not in container("probe")
    assert pod["automountServiceAccountToken"] is False
    assert container("host")["securityContext"] == container("probe")["securityContext"]
