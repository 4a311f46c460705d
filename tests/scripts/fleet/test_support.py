"""`fleet support` of clusters that answer, hang or refuse, known by a kubeconfig alone."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyrage
import pytest
import yaml
from click.testing import CliRunner

from scripts import report_schema
from scripts.fleet.__main__ import cli
from tests.e2e.support_archive import opened
from tests.scripts.conftest import TOP

KEY = pyrage.x25519.Identity.generate()


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Iterator[Path]:
    command = [sys.executable, "-m", "tests.scripts.fleet.fleet_of_apis", "3", "3"]
    with subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        base = f"http://127.0.0.1:{int(server.stdout.readline())}"
        servers = {"good": f"{base}/good-0", "hang": f"{base}/hang-0", "gone": "http://127.0.0.1:1"}
        document = {
            "clusters": [{"name": n, "cluster": {"server": url}} for n, url in servers.items()],
            "users": [{"name": "user", "user": {"token": "the-token-of-the-user"}}],
            "contexts": [{"name": n, "context": {"cluster": n, "user": "user"}} for n in servers],
        }
        file = tmp_path / "config"
        file.write_text(yaml.safe_dump(document))
        yield file
        server.kill()


def command(kubeconfig: Path, name: str, *words: str) -> list[str]:
    module = [sys.executable, "-m", "scripts.fleet", "support", "--kubeconfig", str(kubeconfig)]
    return [*module, name, "--output", str(kubeconfig.parent / "archive"), *words]


def start(words: list[str], folder: Path) -> "subprocess.Popen[str]":
    state = {**os.environ, "KUBEADM_FLEET_STATE": str(folder / "state")}
    pipe = subprocess.PIPE
    return subprocess.Popen(words, cwd=TOP, env=state, stdout=pipe, stderr=pipe, text=True)


@pytest.mark.parametrize("name", ["good", "hang", "gone"])
def test_it_ends_in_time_and_says_what_is_missing(kubeconfig: Path, name: str) -> None:
    words = command(kubeconfig, name, "--recipient", str(KEY.to_public()), "--timeout", "4")
    with start(words, kubeconfig.parent) as process:
        out, errors = process.communicate(timeout=60)
    assert process.returncode in (0, 1), errors
    files = opened(pyrage.decrypt((kubeconfig.parent / "archive").read_bytes(), [KEY]))
    manifest = json.loads(files["manifest.json"])
    # The start of Python is not counted; what was gathered is written when the time is over.
    assert manifest["tookSeconds"] <= 4
    schema = json.loads((report_schema.DOCS / "support.schema.json").read_text())
    assert set(schema["required"]) <= set(manifest) <= set(schema["properties"])
    listed = {each["path"] for each in manifest["files"]}
    assert listed | {"README.txt", "manifest.json"} == set(files)
    assert not [path for path, content in files.items() if b"the-token-of-the-user" in content]
    assert "age --decrypt" in out and "status.json" in files
    if name == "good":
        assert json.loads(files["status.json"])["clusters"][0]["nodesReady"]["ready"] == 3
        assert manifest["redaction"]["secretValues"] == 0
    else:
        assert process.returncode == 1 and manifest["server"] == ""
        # On a host that is busy, the time may be over before it says so itself.
        assert "api: no API server answered" in out or "api: no answer within" in out
        assert "Treat the archive as if" in out
        assert "could not be read" in files["README.txt"].decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_leaves_nothing(kubeconfig: Path, number: signal.Signals) -> None:
    words = command(kubeconfig, "hang", "--unencrypted", "--timeout", "60")
    with start(words, kubeconfig.parent) as process:
        assert process.stderr is not None
        assert "gathering from hang" in process.stderr.readline()
        process.send_signal(number)
        process.wait(20)
    left = {path.name for path in kubeconfig.parent.iterdir()} - {"config", "state"}
    assert process.returncode != 0 and left == set()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "--recipient, or say --unencrypted"),
        (["--unencrypted", "-r", str(KEY.to_public())], "cannot be combined"),
        (["-r", "age1x"], "is not valid"),
        (["--unencrypted", "-o", "/"], "is a folder"),
        (["--unencrypted", "--timeout", "0"], "0 is not in the range"),
    ],
)
def test_wrong_usage_is_refused(words: list[str], says: str) -> None:
    ended = CliRunner().invoke(cli, ["support", "one", *words])
    assert ended.exit_code != 0
    assert says in f"{ended.output}{ended.exception}"
