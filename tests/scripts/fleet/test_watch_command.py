"""`fleet watch` as a process: its end, its state file, its kubeconfig, what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import click
import pytest
import yaml

from ops.wait import NotYet, wait_until
from ops.watch.fleet import Target
from ops.watch.watcher import NODES_PATH
from scripts.fleet import watch_command, watch_targets
from scripts.fleet.listening import Listening
from tests.ops.watch.receiver import Receiver
from tests.ops.watch.watched_api import Apis, node
from tests.ports import free_port
from tests.scripts.conftest import TOP

# On a busy host, a process takes more than a minute to start.
SECONDS = 240.0


class Process:
    """The command, whose output goes to files, or into a pipe that nobody reads."""

    def __init__(self, folder: Path, *words: str, is_read: bool = True) -> None:
        self._out, self._said = folder / "out", folder / "said"
        into = self._out.open("w") if is_read else _unread_pipe()
        with into as out, self._said.open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "scripts.fleet", "watch", *words],
                cwd=TOP,
                env={**os.environ, "KUBEADM_FLEET_STATE": str(folder / "state")},
                stdout=out,
                stderr=said,
            )

    @property
    def lines(self) -> list[str]:
        return self._out.read_text().splitlines()

    @property
    def said(self) -> str:
        return self._said.read_text()

    def until(self, *words: str) -> None:
        """Wait until the last line has these words."""

        def check() -> None:
            if not self.lines or not all(word in self.lines[-1] for word in words):
                raise NotYet(f"{self.lines} {self.said}")

        wait_until(check, SECONDS, AssertionError)

    def until_said(self, text: str) -> None:
        def check() -> None:
            if text not in self.said:
                raise NotYet(f"{self.lines} {self.said}")

        wait_until(check, SECONDS, AssertionError)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


def _unread_pipe() -> IO[str]:
    reading, writing = os.pipe()
    os.close(reading)
    return os.fdopen(writing, "w")


@pytest.fixture
def apis() -> Iterator[Apis]:
    made = Apis()
    yield made
    made.stop()


class Life:
    """Processes that watch one kubeconfig, one after the other."""

    def __init__(self, apis: Apis, folder: Path) -> None:
        self.apis, self.folder = apis, folder
        self.kubeconfig = folder / "kubeconfig"
        self.processes: list[Process] = []

    def write(self, *names: str) -> None:
        new = self.folder / "new"
        new.write_text(yaml.safe_dump(self.apis.kubeconfig(*names)))
        new.replace(self.kubeconfig)

    def begin(self, *more: str, is_read: bool = True) -> Process:
        words = ("--kubeconfig", str(self.kubeconfig), *more)
        process = Process(self.folder, *words, is_read=is_read)
        self.processes.append(process)
        return process

    @property
    def state(self) -> Path:
        (found,) = (self.folder / "state" / "watch").glob("kubeconfig@*.json")
        return found


@pytest.fixture
def life(apis: Apis, tmp_path: Path) -> Iterator[Life]:
    made = Life(apis, tmp_path)
    yield made
    for each in made.processes:
        each.process.kill()
        each.process.wait()


def test_a_process_that_is_ended_or_killed_tells_nothing_twice(life: Life) -> None:
    cluster = life.apis.add("c")
    cluster.put(NODES_PATH, node("n1", ready="False"))
    life.write("c")
    events = life.folder / "events.jsonl"
    for number, status in ((signal.SIGTERM, 0), (signal.SIGKILL, -9), (signal.SIGINT, 0)):
        process = life.begin("--events", str(events))
        if number is signal.SIGTERM:
            process.until("BEGAN", "Error", "c/n1", "NotReady", "docs/runbooks/machine-dead.md")
        process.until_said("watching 1 cluster")
        wait_until(lambda: _asked(cluster, len(life.processes)), SECONDS, AssertionError)
        assert process.end(number) == status
    assert process.lines == []
    cluster.put(NODES_PATH, node("n1"))
    with events.open("a") as file:
        file.write('{"id": 2, "half of')
    life.begin("--events", str(events)).until("ended", "c/n1")
    found = [json.loads(line) for line in events.read_text().splitlines()]
    assert [(each["id"], each["event"]) for each in found] == [(1, "began"), (2, "ended")]
    assert life.state.stat().st_mode & 0o777 == 0o600


def _asked(cluster: Any, times: int) -> None:
    if cluster.asked.count(f"GET {NODES_PATH}?watch") < times:
        raise NotYet(str(cluster.asked))


def test_what_nobody_reads_is_kept_for_the_next_start(life: Life) -> None:
    life.apis.add("c").put(NODES_PATH, node("n1", ready="False"))
    life.write("c")
    events = life.folder / "events.jsonl"
    unread = life.begin("--events", str(events), is_read=False)
    assert unread.process.wait(SECONDS) == 0
    assert unread.said.splitlines()[1:] == [
        "fleet watch: nobody reads standard output any more",
        "fleet watch: ended",
    ]
    (event,) = map(json.loads, events.read_text().splitlines())
    state = json.loads(life.state.read_text())
    assert state["outbox"]["events"] == [event]
    again = life.begin("--events", str(events), "-o", "json")
    again.until("NotReady")
    assert again.end() == 0
    assert [json.loads(line) for line in again.lines] == [event]
    assert len(events.read_text().splitlines()) == 1


def test_a_damaged_state_file_is_kept_and_what_is_wrong_is_told_again(life: Life) -> None:
    life.apis.add("c").put(NODES_PATH, node("n1", ready="False"))
    life.write("c")
    first = life.begin("-o", "json")
    first.until("NotReady")
    first.end()
    life.state.write_text(life.state.read_text()[:-20])
    again = life.begin("-o", "json")
    again.until("NotReady")
    assert json.loads(again.lines[-1])["event"] == "began"
    assert "is damaged" in again.said
    assert list(life.state.parent.glob("*.damaged-*"))


def test_a_second_process_with_the_same_state_is_refused(life: Life) -> None:
    life.apis.add("c")
    life.write("c")
    life.begin().until_said("watching")
    second = life.begin()
    assert second.process.wait(SECONDS) == 2
    assert "is in use by another `fleet watch`" in second.said


def test_a_kubeconfig_is_read_again_and_a_damaged_one_changes_nothing(life: Life) -> None:
    one, two = life.apis.add("one"), life.apis.add("two")
    life.write("one")
    process = life.begin()
    process.until_said("watching")
    life.kubeconfig.write_text("{")
    process.until_said("still watching the clusters of before")
    one.put(NODES_PATH, node("n1", ready="False"))
    process.until("BEGAN", "one/n1")
    two.put(NODES_PATH, node("n1", ready="False"))
    life.write("two")
    process.until("BEGAN", "two/n1")
    assert "the cluster is not watched any more" in process.lines[-2]


def test_a_kubeconfig_that_is_replaced_while_it_is_read_is_read_again(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    life.write("one")
    following = watch_command.Following(life.kubeconfig, ())
    read = watch_targets.read

    def read_and_replace(path: Path, clusters: tuple[str, ...]) -> dict[str, Target]:
        found = read(path, clusters)
        life.write("two")
        return found

    monkeypatch.setattr(watch_targets, "read", read_and_replace)
    assert list(following.read()) == ["one"]
    monkeypatch.setattr(watch_targets, "read", read)
    assert list(following.changed() or ()) == ["two"]
    assert following.changed() is None


def test_a_webhook_gets_what_happened_while_nobody_watched(life: Life) -> None:
    cluster = life.apis.add("c")
    cluster.put(NODES_PATH, node("n1", ready="False"))
    life.write("c")
    hook = life.folder / "hook"
    receivers = [Receiver(), Receiver()]
    try:
        receivers[0].status = 500
        hook.write_text(receivers[0].url)
        first = life.begin("--webhook", f"@{hook}", "--slack", f"@{hook}")
        first.until_said("slack @")
        first.until_said("its status is 500")
        first.until("NotReady")
        assert first.end() == 0
        assert "S3CR3T" not in first.said
        hook.write_text(receivers[1].url)
        life.begin("--webhook", f"@{hook}")
        wait_until(lambda: _posted(receivers[1]), SECONDS, AssertionError)
        assert [post.body["reason"] for post in receivers[1].posts] == ["NotReady"]
    finally:
        for each in receivers:
            each.stop()


def _posted(receiver: Receiver) -> None:
    if not receiver.posts:
        raise NotYet("nothing was posted")


def test_a_webhook_that_cannot_be_used_is_refused(life: Life) -> None:
    life.write("one")
    process = life.begin("--slack", "https://hooks.example.com/S3CR3T")
    assert process.process.wait(SECONDS) == 2
    assert "give @FILE or env:NAME" in process.said
    assert "S3CR3T" not in process.said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "name a credential that only reads"),
        (("--kubeconfig", "missing"), "the kubeconfig cannot be read"),
        (("--kubeconfig", "missing", "--user", "x"), "name a credential that only reads"),
    ],
)
def test_wrong_usage_is_refused(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    process = Process(tmp_path, *words)
    assert process.process.wait(SECONDS) == 2
    assert message in " ".join(process.said.split())


def test_an_unknown_cluster_is_refused(life: Life) -> None:
    life.write("one")
    process = life.begin("--cluster", "two")
    assert process.process.wait(SECONDS) == 2
    assert "has no cluster two; its clusters: one" in process.said


def test_metrics_are_served_until_the_end_and_a_port_in_use_is_refused(life: Life) -> None:
    cluster = life.apis.add("c")
    cluster.put(NODES_PATH, node("n1", ready="False"))
    life.write("c")
    port = free_port()
    process = life.begin("--metrics", str(port))
    process.until("BEGAN", "c/n1")
    assert f"metrics are at http://127.0.0.1:{port}/metrics" in process.said
    text = scrape(port)
    assert 'kubeadm_fleet_up{cluster="c"} 1.0' in text
    assert 'kubeadm_fleet_problems{cluster="c",kind="Node",name="n1",reason="NotReady"' in text
    second = life.begin("--metrics", f"127.0.0.1:{port}", "--state", str(life.folder / "other"))
    assert second.process.wait(SECONDS) == 2
    assert f"metrics cannot be served on 127.0.0.1, port {port}: " in second.said
    assert not (life.folder / "other").exists()
    assert process.end() == 0
    with pytest.raises(OSError, match="refused"):
        scrape(port)


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        text: str = answer.read().decode()
    return text


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("9877", ("127.0.0.1", 9877)),
        ("0.0.0.0:1", ("0.0.0.0", 1)),
        ("localhost:65535", ("127.0.0.1", 65535)),
        ("[::1]:80", ("::1", 80)),
    ],
)
def test_an_address_for_metrics_is_of_the_loopback_unless_another_is_named(
    words: str, found: tuple[str, int]
) -> None:
    assert Listening().convert(words, None, None) == found


@pytest.mark.parametrize(
    "words",
    ["", "0", "65536", "123456", ":80", "a:80", "1.2.3:80", "::1:80", "[127.0.0.1]:80", "[::1]",
     "1.2.3.4:", "80 ", "-1", "\u0661", "http://127.0.0.1:80"],
)  # fmt: skip
def test_another_address_for_metrics_is_refused(words: str) -> None:
    with pytest.raises(click.BadParameter):
        Listening().convert(words, None, None)


NODES = 50
LIMIT = 0.1
SCRAPE_SECONDS = 60


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_hundred_clusters_cost_less_than_a_tenth_of_a_core(tmp_path: Path) -> None:
    module = [sys.executable, "-m", "tests.ops.watch.watched_api", "100", str(NODES)]
    with subprocess.Popen(module, cwd=TOP, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(json.loads(server.stdout.readline())["kubeconfig"]))
        port = free_port()
        process = Process(tmp_path, "--kubeconfig", str(kubeconfig), "--metrics", str(port))
        try:
            _until_idle(process)
            begin, used = time.monotonic(), _cpu(process)
            time.sleep(30)  # What it costs is measured over a time, not waited for.
            share = (_cpu(process) - used) / (time.monotonic() - begin)
            used = _cpu(process)
            series = scrape(port).count("\n")
            scraping = _cpu(process) - used
            memory = _status(process, "VmHWM") / 1024
            print(
                f"100 clusters of {NODES} Nodes: {share:.1%} of a core, {memory:.0f} MiB, "
                f"{series} lines of metrics in {scraping:.1f} s of CPU"
            )
            assert share < LIMIT
            assert scraping / SCRAPE_SECONDS < LIMIT / 2
            assert memory < 400
            assert process.end() == 0
            assert process.lines == []
        finally:
            process.process.kill()
            process.process.wait()
            server.kill()


def _until_idle(process: Process) -> None:
    """Wait until the first lists are read: from then on it costs little."""
    former = [_cpu(process)]

    def check() -> None:
        time.sleep(5)
        now = _cpu(process)
        used, former[0] = now - former[0], now
        if used > 5 * LIMIT:
            raise NotYet(f"{used:.1f} s of CPU in 5 s")

    wait_until(check, 200, AssertionError)


def _cpu(process: Process) -> float:
    fields = Path(f"/proc/{process.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _status(process: Process, name: str) -> int:
    lines = Path(f"/proc/{process.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])
