"""The parts of `make bench`: measured runs, configs, tables."""

import json
import subprocess
import sys
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from model.load import load
from scripts.bench import existing, fleets, steps
from scripts.bench.run import BenchError, MeasuredRun, measure
from scripts.bench.table import Table


def run(folder: Path, program: str, seconds: float = 20) -> MeasuredRun:
    return measure(
        lambda output: subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        ),
        events=folder / "events.json",
        log=folder / "log",
        deadline_seconds=seconds,
    )


def event(at: float, kind: str, name: str, custom: bool = True) -> tuple[float, dict[str, Any]]:
    urn = f"urn:pulumi:bench::kubeadm-fleet::some:type::{name}"
    return at, {kind: {"metadata": {"op": "create", "urn": urn, "new": {"custom": custom}}}}


def test_a_run_is_measured_with_the_arrival_of_its_events(tmp_path: Path) -> None:
    summary = json.dumps({"summaryEvent": {"resourceChanges": {"create": 4, "same": 1}}})
    measured = run(
        tmp_path,
        "import time\n"
        "log = open('events.json', 'w')\n"
        "print('{}', file=log, flush=True)\n"
        "held = bytearray(50_000_000)\n"
        "time.sleep(1)\n"
        f"print({summary!r}, file=log, flush=True)\n",
    )
    assert measured.resources == 4
    (first, _), (second, _) = measured.events
    assert 0.8 < second - first < 5
    assert measured.seconds >= second
    assert measured.engine_bytes > 50_000_000


def test_a_failed_run_shows_its_last_output(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no such machine"):
        run(tmp_path, "raise SystemExit('no such machine')")


def test_a_run_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="did not finish within 1 s"):
        run(tmp_path, "import os, time; print(os.getpid(), flush=True); time.sleep(60)", 1)
    pid = (tmp_path / "log").read_text().split()[0]
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("machines", [4, 10, 100, 102, 1000])
def test_the_previewed_fleet_is_valid_and_has_the_requested_size(machines: int) -> None:
    fleet = load(fleets.existing(machines)[fleets.KEY])
    assert sum(len(cluster.machines) for cluster in fleet.clusters) == machines


@pytest.mark.slow
def test_the_state_grows_little_with_each_machine() -> None:
    states = {machines: existing.state_bytes(machines) for machines in (4, 8)}
    assert existing.state_bytes_per_machine(states) < existing.STATE_LIMIT


def test_the_measured_dev_fleet_is_the_dev_stack_on_other_subnets() -> None:
    networks = IPv4Network("10.84.1.0/24"), IPv4Network("10.84.2.0/24")
    fleet = load(fleets.dev(*networks)[fleets.KEY])
    assert [cluster.endpoint for cluster in fleet.clusters] == [
        "10.84.1.11:6443",
        "10.84.2.11:6443",
    ]


def test_the_lifecycle_fleet_is_the_one_of_the_bare_script() -> None:
    config = fleets.highly_available("1.36.3", IPv4Network("10.84.1.0/24"))
    (cluster,) = load(config[fleets.KEY]).clusters
    assert cluster.endpoint == "10.84.1.100:8443"
    assert [each.address for each in cluster.machines] == [
        *(f"10.84.1.{number}" for number in (11, 12, 13)),
        *(f"10.84.1.{number}" for number in (101, 102)),
    ]


def test_steps_are_paired_and_short_ones_counted() -> None:
    measured = MeasuredRun(
        9.0,
        [
            event(0.5, "resourcePreEvent", "fleet", custom=False),
            event(1.0, "resourcePreEvent", "a-join"),
            event(1.5, "resourcePreEvent", "a-ca"),
            event(1.55, "resOutputsEvent", "a-ca"),
            event(4.25, "resOutputsEvent", "a-join"),
            event(8.0, "resOutputsEvent", "fleet", custom=False),
        ],
    )
    table = steps.table(measured)
    assert table.rows == (("a-join", "create", "1.00", "4.25", "3.25"),)
    assert table.note.startswith("1 more steps")


def test_table_as_markdown() -> None:
    table = Table("Figures", ("what", "s"), (("up", "1.0"),), "A note.")
    assert table.markdown() == (
        "### Figures\n\n| what | s |\n| --- | ---: |\n| up | 1.0 |\n\nA note.\n"
    )
