"""The probe's loop, with fake DNS answers and connections."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from model.render.objects import MANIFESTS
from tests.waiting import await_true

OWN = "10.244.0.2"
# DNS answers what a file says; at the addresses that others name, a peer or a stranger answers.
BUSYBOX = """#!/bin/sh
case "$1 $2" in
  "nslookup "*) grep . "$WORLD/answer" | shuf | head -n 27 | sed 's/^/Address: /' ;;
  "nc -ll") exec sleep 60 ;;
  "nc "*)
    address=$4
    shift 6
    if grep -qx "$address" "$WORLD/losing"; then
      : >"$WORLD/losing"
      exit 1
    fi
    if grep -qx "$address" "$WORLD/up"; then
      echo "$address" | "$@"
    elif grep -qx "$address" "$WORLD/strangers"; then
      echo hello | "$@"
    else
      exit 1
    fi
    ;;
  "sh "*) exec bash "$2" "$3" "$4" "$5" ;;
  "sleep "*) exec sleep 0.05 ;;
  *) exec "$@" ;;
esac
"""

# Besides the API's own, no Service and no port answers, such as CoreDNS' metrics.
ONLY_THE_API = """#!/bin/sh
case $1 in
  nslookup) [ "$3" != kubernetes.default.svc.cluster.local ] || echo "Address: 10.96.0.1" ;;
  nc)
    [ "$4:$5" = 10.96.0.1:443 ] || exit 1
    shift 6
    printf '%s\\r\\n' "$ANSWER" | "$@"
    ;;
  sh) exec bash "$2" "$3" ;;
  sleep) exit 3 ;;
  *) exec "$@" ;;
esac
"""

pytestmark = pytest.mark.timeout(30)

Report = dict[str, Any]


class FakeNetwork:
    """What the probe finds: `peers` in DNS, `up` those that answer, `strangers` in their place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "busybox"
        program.write_text(BUSYBOX)
        program.chmod(0o755)
        self.set(peers=[], up=[], strangers=[], losing=[])

    def set(self, **what: list[str]) -> None:
        """Have DNS answer with these `peers`, or peers or strangers at these addresses."""
        for name, addresses in what.items():
            new = self.folder / "new"
            new.write_text("".join(f"{address}\n" for address in addresses))
            new.rename(self.folder / {"peers": "answer"}.get(name, name))

    @contextmanager
    def probe(self) -> Iterator[Callable[[Callable[[Report], bool]], Report]]:
        """Run the loop; give what waits for a report that fits."""
        environment = {
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "WORLD": str(self.folder),
            "ADDRESS": OWN,
            "PEERS": "peers.example",
        }
        process = subprocess.Popen(
            ["sh", "-c", script()],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdout

        def await_report(fits: Callable[[Report], bool]) -> Report:
            assert process.stdout
            for line in process.stdout:
                report: Report = json.loads(line)
                if fits(report):
                    return report
            pytest.fail("the probe never reported that")

        try:
            yield await_report
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            process.stdout.close()


@pytest.fixture
def world(tmp_path: Path) -> FakeNetwork:
    return FakeNetwork(tmp_path)


def daemon_set() -> Any:
    documents = yaml.safe_load_all((MANIFESTS / "baseline" / "probe.yaml").read_text())
    return next(each for each in documents if each["kind"] == "DaemonSet")


def container(name: str = "probe") -> Any:
    containers = daemon_set()["spec"]["template"]["spec"]["containers"]
    return next(each for each in containers if each["name"] == name)


def script() -> str:
    text: str = container()["command"][-1]
    return text


def addresses(*numbers: int) -> list[str]:
    return [f"10.244.{number}.5" for number in numbers]


def reached(report: Report) -> list[str]:
    return sorted(report["reached"])


def test_a_probe_without_peers_reports_none(world: FakeNetwork) -> None:
    world.set(peers=[OWN])
    with world.probe() as report:
        assert report(lambda _: True)["reached"] == []


def test_reached_and_unreached_peers_are_reported_separately(world: FakeNetwork) -> None:
    world.set(peers=[OWN, *addresses(1, 2)], up=addresses(1))
    with world.probe() as report:
        first = report(lambda said: bool(said["reached"]))
        assert first["address"] == OWN
        assert reached(first) == addresses(1)
        assert list(first["unreached"]) == addresses(2)
        world.set(up=addresses(1, 2))
        assert reached(report(lambda said: not said["unreached"])) == addresses(1, 2)


def test_the_time_of_a_lost_peer_is_kept(world: FakeNetwork) -> None:
    world.set(peers=addresses(1, 2), up=addresses(2))
    with world.probe() as report:
        since = report(lambda said: bool(said["unreached"]))["unreached"]
        world.set(peers=addresses(1, 2, 3, 4), up=addresses(2, 3, 4))
        assert report(lambda said: len(said["reached"]) == 3)["unreached"] == since


def test_another_server_at_the_address_is_not_a_peer(world: FakeNetwork) -> None:
    """As where a route leads elsewhere, and a transparent proxy lets everybody connect."""
    world.set(peers=addresses(1), strangers=addresses(1))
    with world.probe() as report:
        assert reached(report(lambda said: bool(said["unreached"]))) == []


def test_a_peer_removed_from_dns_is_dropped(world: FakeNetwork) -> None:
    world.set(peers=addresses(1, 2), up=addresses(1))
    with world.probe() as report:
        report(lambda said: bool(said["unreached"]))
        world.set(peers=addresses(1))
        assert reached(report(lambda said: not said["unreached"])) == addresses(1)


def test_peers_are_kept_while_dns_is_unavailable(world: FakeNetwork) -> None:
    world.set(peers=addresses(1, 2), up=addresses(1))
    with world.probe() as report:
        report(lambda said: bool(said["unreached"]))
        world.set(peers=[], up=addresses(1, 2))
        assert reached(report(lambda said: not said["unreached"])) == addresses(1, 2)


def test_truncated_dns_answers_are_completed(world: FakeNetwork) -> None:
    peers = addresses(*range(1, 61))
    world.set(peers=[OWN, *peers], up=peers)
    with world.probe() as report:
        found = report(lambda said: len(said["reached"]) == len(peers))
    assert reached(found) == sorted(peers)
    assert found["unreached"] == {}


def test_only_a_sample_of_many_peers_is_tried(world: FakeNetwork) -> None:
    peers = addresses(*range(1, 201))
    world.set(peers=peers, up=peers)
    with world.probe() as report:
        first = report(lambda said: len(said["reached"]) == 64)
        assert report(lambda said: set(said["reached"]) != set(first["reached"]))["reached"]


@pytest.mark.parametrize(
    ("answer", "is_reached"), [("HTTP/1.0 400 Bad Request", True), ("HTTP/1.1 200 OK", False)]
)
def test_a_probe_needs_no_service_but_that_of_the_api(
    tmp_path: Path, answer: str, is_reached: bool
) -> None:
    program = tmp_path / "busybox"
    program.write_text(ONLY_THE_API)
    program.chmod(0o755)
    (first,) = daemon_set()["spec"]["template"]["spec"]["initContainers"]
    variables = {each["name"]: each.get("value", OWN) for each in first["env"]}
    path = f"{tmp_path}:{os.environ['PATH']}"
    for command in (first["command"], container()["readinessProbe"]["exec"]["command"]):
        # It tries again after a sleep, which fails here.
        ended = subprocess.run(
            ["sh", "-ec", *command[3:]], env={**variables, "PATH": path, "ANSWER": answer}
        )
        assert (ended.returncode == 0) == is_reached


def test_probes_connect_to_the_port_they_listen_on() -> None:
    (port,) = container()["ports"]
    assert f"nc -ll -p {port['containerPort']} " in script()
    assert f'"$address" {port["containerPort"]} ' in script()


@pytest.mark.slow
def test_a_single_lost_connection_is_not_reported(world: FakeNetwork) -> None:
    """A peer that was reached is tried again every ten seconds."""
    one, other = "10.244.1.2", "10.244.1.3"
    world.set(peers=[one], up=[one])
    seen: list[Report] = []

    def reaches(*addresses: str) -> Callable[[Report], bool]:
        def fits(report: Report) -> bool:
            seen.append(report)
            return set(report["reached"]) == set(addresses)

        return fits

    with world.probe() as await_report:
        await_report(reaches(one))
        world.set(losing=[one])
        await_true(lambda: not (world.folder / "losing").read_text(), "the connection to be lost")
        world.set(peers=[one, other], up=[one, other])
        await_report(reaches(one, other))
    assert not [report for report in seen if report["unreached"].get(one)]
