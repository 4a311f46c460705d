"""Webhooks against a real server: what it does not take is neither lost nor in anybody's way."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from model.status.condition import Severity
from model.watch.event import Change, Event
from ops.errors import OperatorError
from ops.wait import NotYet, wait_until
from ops.watch import endpoint, slack
from ops.watch.sinks import to_json
from ops.watch.watcher import NODES_PATH
from ops.watch.webhook import Pace, Webhook
from tests.ops.watch.conftest import Begin
from tests.ops.watch.receiver import Receiver
from tests.ops.watch.watched_api import Apis, node

SECONDS = 30.0
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
# On a busy host, an answer takes seconds.
FAST = Pace(connect=20.0, answer=20.0, first=0.02, longest=0.1, closing=20.0)


def event(number: int, **more: Any) -> Event:
    fields: dict[str, Any] = {
        "id": number,
        "time": NOON,
        "event": Change.BEGAN,
        "cluster": "a",
        "kind": "Node",
        "name": "n1",
        "severity": Severity.ERROR,
        "reason": "NotReady",
        "message": "Kubelet stopped posting node status.",
        "fix": "fleet describe n1",
        "runbook": "docs/runbooks/machine-dead.md",
        "began": NOON,
    }
    return Event(**fields | more)


EVENTS = [event(1), event(2), event(3)]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


class Hook:
    """A webhook, and what it says."""

    def __init__(self, url: str, name: str = "hook") -> None:
        self.said: list[str] = []
        self.address: Callable[[], endpoint.Address] = partial(endpoint.read, url)
        self.sink = Webhook(name, lambda: self.address(), to_json, self.said.append, FAST)

    def until_taken(self, number: int = 3) -> None:
        def check() -> None:
            if self.sink.deliver(EVENTS) < number:
                raise NotYet(f"{self.said}")

        wait_until(check, SECONDS, AssertionError, poll_seconds=0.01)

    def until_said(self, text: str) -> None:
        def check() -> None:
            if not any(text in line for line in self.said):
                raise NotYet(f"{self.said}")

        wait_until(check, SECONDS, AssertionError, poll_seconds=0.01)


@pytest.fixture
def hook(receiver: Receiver) -> Iterator[Hook]:
    made = Hook(receiver.url)
    yield made
    made.sink.close()


def test_each_event_is_posted_once_in_order_as_the_schema_says(
    receiver: Receiver, hook: Hook
) -> None:
    assert hook.sink.deliver(EVENTS) == 0
    hook.until_taken()
    assert [post.body for post in receiver.posts] == [json.loads(to_json(each)) for each in EVENTS]
    assert len(set(receiver.keys)) == 3
    assert receiver.posts[0].path == "/hook/S3CR3T"
    assert receiver.posts[0].headers["content-type"] == "application/json"
    assert hook.said == []


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (500, "its status is 500"),
        (404, "its status is 404"),
        (0, "no answer within 0.5 s"),
        (-1, "the connection was closed without an answer"),
        (307, "it redirects (status 307), which is not followed: name the final URL"),
    ],
)
def test_what_is_not_taken_is_posted_again_with_the_same_key(
    receiver: Receiver, hook: Hook, status: int, text: str
) -> None:
    if status == 0:
        hook.sink._pace = replace(FAST, answer=0.5)
    receiver.status = status
    receiver.answer_headers = {"Location": "/elsewhere"} if status == 307 else {}
    assert hook.sink.deliver(EVENTS) == 0
    hook.until_said(text)
    wait_until(lambda: _posted(receiver, 3), SECONDS, AssertionError, poll_seconds=0.01)
    assert set(receiver.ids) == {1}
    receiver.status = 200
    hook.until_taken()
    assert receiver.ids[-3:] == [1, 2, 3]
    assert len(set(receiver.keys)) == 3
    assert {post.path for post in receiver.posts} == {"/hook/S3CR3T"}
    assert len(hook.said) == 2 or status == 0, "one outage is said once"
    assert hook.said[-1] == "hook takes events again"
    assert "S3CR3T" not in str(hook.said)


def _posted(receiver: Receiver, count: int) -> None:
    if len(receiver.posts) < count:
        raise NotYet(str(receiver.posts))


def test_a_server_that_is_started_later_gets_everything() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    hook = Hook(f"http://127.0.0.1:{port}/S3CR3T")
    hook.sink.deliver(EVENTS)
    hook.until_said("connection refused")
    receiver = Receiver(port)
    try:
        hook.until_taken()
        assert receiver.ids == [1, 2, 3]
    finally:
        hook.sink.close()
        receiver.stop()
    assert "S3CR3T" not in str(hook.said)


def test_a_server_that_asks_for_time_gets_it(receiver: Receiver) -> None:
    hook = Hook(receiver.url)
    hook.sink._pace = Pace(first=0.01, longest=3.0)
    receiver.status, receiver.answer_headers = 429, {"Retry-After": "3600"}
    hook.sink.deliver(EVENTS[:1])
    hook.until_said("its status is 429")
    receiver.status = 200
    assert len(receiver.posts) == 1, "it waits for as long as is asked for, up to its own limit"
    hook.until_taken()
    assert receiver.ids == [1, 1, 2, 3]
    hook.sink.close()


def test_a_certificate_that_is_not_trusted_gets_nothing(receiver: Receiver) -> None:
    hook = Hook(f"https://127.0.0.1:{receiver.port}/S3CR3T")
    hook.sink.deliver(EVENTS)
    hook.until_said("TLS: ")
    hook.sink.close()
    assert receiver.posts == []
    assert ssl.OPENSSL_VERSION and "S3CR3T" not in str(hook.said)


def test_the_address_is_read_for_each_attempt(
    receiver: Receiver, hook: Hook, tmp_path: Path
) -> None:
    file = tmp_path / "hook"
    file.write_text("https://127.0.0.1:1/old")
    hook.address = partial(endpoint.read, f"@{file}")
    file.unlink()
    hook.sink.deliver(EVENTS)
    hook.until_said("it cannot be read: No such file or directory")
    file.write_text(
        f"{receiver.url.replace('//', '//user:p%40ss@')}\n\nX-Token: t0ken\nContent-Type: text/x\n"
    )
    hook.until_taken()
    headers = receiver.posts[0].headers
    assert headers["x-token"] == "t0ken"
    assert headers["authorization"] == "Basic dXNlcjpwQHNz"
    assert headers["content-type"] == "application/json"


def test_the_proxy_of_the_environment_is_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{receiver.port}")
    monkeypatch.setenv("no_proxy", "")
    hook = Hook("http://hooks.example.com/x")
    hook.sink.deliver(EVENTS)
    hook.until_taken()
    hook.sink.close()
    assert receiver.posts[0].path == "http://hooks.example.com/x"


def test_a_proxy_is_not_used_for_what_it_is_not_for(
    receiver: Receiver, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    hook.until_taken()


def test_the_end_waits_for_what_is_taken_and_not_for_what_is_not(
    receiver: Receiver, hook: Hook
) -> None:
    hook.sink.deliver(EVENTS)
    hook.sink.close()
    assert hook.sink.deliver(EVENTS) == 3
    assert receiver.ids == [1, 2, 3]
    receiver.status = 0
    slow = Hook(receiver.url)
    slow.sink._pace = Pace(answer=50.0, closing=0.1)
    slow.sink.deliver(EVENTS)
    wait_until(lambda: _posted(receiver, 4), SECONDS, AssertionError, poll_seconds=0.01)
    slow.sink.close()
    assert slow.sink.deliver(EVENTS) == 0


def test_a_restart_loses_nothing_and_a_dead_hook_holds_up_nobody(
    apis: Apis, receiver: Receiver, watching: Begin, tmp_path: Path
) -> None:
    cluster = apis.add("c")
    dead, hung = Hook(receiver.url, "dead"), Receiver()
    hung.status = 0
    waits = Hook(hung.url, "hung")
    receiver.status = 503
    begun = watching("c", sinks=(dead.sink, waits.sink))
    begun.until_known("c")
    cluster.put(NODES_PATH, node("n1", ready="False"))
    assert begun.until_told("began NotReady n1") < 10
    wait_until(lambda: _posted(receiver, 2), SECONDS, AssertionError)
    dead.sink._pace = waits.sink._pace = Pace(closing=0.1)
    hung.stop()
    again, other = Hook(receiver.url, "dead"), Hook(receiver.url, "other")
    begun = watching("c", sinks=(again.sink, other.sink))
    receiver.status = 200
    before = len(receiver.posts)
    begun.until(lambda: len(receiver.posts) > before)
    begun.until(lambda: "dead" in begun.fleet.state.outbox.taken)
    begun.until(lambda: not begun.fleet.state.outbox.events)
    assert receiver.ids[before:] == [1], "what is new gets no former events"
    assert len(set(receiver.keys)) == 1
    saved = json.loads((tmp_path / "state.json").read_text())
    begun.until(lambda: _saved(tmp_path)["dead"] == 1)
    assert saved["outbox"]["nextId"] == 2


def _saved(folder: Path) -> Any:
    return json.loads((folder / "state.json").read_text())["outbox"]["taken"]


def test_a_message_of_slack_has_no_mention_and_no_mark_of_a_cluster() -> None:
    text = json.loads(slack.message(event(1, message="<!channel> `x` & y\n" + "z" * 9000)))["text"]
    assert text.startswith(":red_circle: *a/n1* NotReady since <!date^1795780800^")
    assert "&lt;!channel&gt; 'x' &amp; y z" in text
    assert text.endswith("Fix: `fleet describe n1`, runbook: `docs/runbooks/machine-dead.md`")
    assert len(text) < 3000
    over = event(2, event=Change.ENDED, ended=NOON + timedelta(minutes=2), note="<gone>")
    said = json.loads(slack.message(over))
    assert said == {"text": ":white_check_mark: *a/n1* NotReady ended after 2m00s (&lt;gone&gt;)"}
    warned = json.loads(slack.message(event(3, severity=Severity.WARNING)))["text"]
    assert warned.startswith(":warning:")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "it has no valid URL"),
        ("ftp://x/S3CR3T", "it has no valid URL"),
        ("https:///S3CR3T", "it has no valid URL"),
        ("https://x:99999/S3CR3T", "it has no valid URL"),
        ("https://x/S3CR3T y", "it has no valid URL"),
        ("https://[x/S3CR3T", "it has no valid URL"),
        ("https://x/S3CR3T\nX-Token", "line 2 is not a header"),
        ("https://x/S3CR3T\nA: b\nS3CR3T : x", "line 3 is not a header"),
        ("https://x/S3CR3T\nA: b\x00S3CR3T", "line 2 is not a header"),
        (b"\xff\xfeS3CR3T", "it is not text"),
    ],
)
def test_what_is_no_address_is_refused_without_showing_it(
    tmp_path: Path, content: str | bytes, text: str
) -> None:
    file = tmp_path / "hook"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(OperatorError, match=text) as refused:
        endpoint.read(f"@{file}")
    assert "S3CR3T" not in str(refused.value)


def test_a_secret_is_not_taken_from_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OperatorError, match="give @FILE or env:NAME"):
        endpoint.read("https://hooks.example.com/x", is_secret=True)
    with pytest.raises(OperatorError, match="give @FILE or env:NAME"):
        endpoint.read("https://user:x@hooks.example.com/x")
    with pytest.raises(OperatorError, match="there is no environment variable HOOK"):
        endpoint.read("env:HOOK", is_secret=True)
    monkeypatch.setenv("HOOK", "https://hooks.example.com/x")
    address = endpoint.read("env:HOOK", is_secret=True)
    assert address.url == "https://hooks.example.com/x"
    assert "example" not in repr(address)


def test_no_thread_stays(receiver: Receiver) -> None:
    hook = Hook(receiver.url, "ends")
    hook.until_taken()
    hook.sink.close()
    assert not any(each.name == "ends" for each in threading.enumerate())
