"""How a step is sent to a machine: a file and settings that bash reads back unchanged."""

import subprocess
from pathlib import Path

import pytest
import yaml

from components.steps import as_root, step_input
from components.texts import script_checksum
from model.render.kubeadm import JOIN_DISCOVERY
from model.render.node_paths import ARTIFACTS
from ops.hosts import content
from ops.hosts.scripts import source

STEPS = ("prepare", "init", "control-plane", "worker")
GOLDEN = Path(__file__).parent / "golden"
ODD = {
    "quotes": 'it\'s "quoted" `here` $(and there) ${HOME} \\ !event',
    "lines": "first\n\n  second\twith a tab  \n",
    "only_a_newline": "\n",
    "nothing": "",
    "globs": "* ? [a-z] {1..3} ~root # no comment ; & | > < ( )",
    "letters": "東京 → Zürich",
    "equals": "A=1 B=2",
    "dash": "-n -e --",
    "here_document": "<<EOF\nEOF\n'EOF'",
    "control": "\x01\x07\x1b[31m",
    "pem": "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE+/=\n-----END EC PRIVATE KEY-----\n",
}


@pytest.fixture(autouse=True)
def artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The artifacts of the machine, which are a store of the test's own."""
    monkeypatch.setattr("model.paths.content_dir", lambda: tmp_path / "content")
    monkeypatch.setattr("components.steps.ARTIFACTS", str(tmp_path / "content"))
    return tmp_path / "content"


def command(script: str, seconds: int = 5) -> str:
    return as_root(
        script, script_checksum(script), sudo=False, needs_password=False, deadline_seconds=seconds
    )


@pytest.mark.parametrize("name", sorted(ODD))
def test_bash_reads_back_every_value(name: str) -> None:
    settings = step_input({"VALUE": ODD[name], "ZLAST": "end"}, None)
    program = f"{settings}printf '%s' \"$VALUE\"; printf '|%s' \"$ZLAST\""
    assert _bash('eval "$(cat)"', program.encode()) == f"{ODD[name]}|end".encode()


def test_values_are_not_executed(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    settings = step_input({"VALUE": f"'; touch {trace}; $(touch {trace}) `touch {trace}` '"}, None)
    _bash('eval "$(cat)"', settings.encode())
    assert not trace.exists()


@pytest.mark.parametrize("script", STEPS)
def test_a_step_defines_the_functions_of_its_command(script: str) -> None:
    _, _, rest = command(script).partition("step_")
    function = "step_" + rest.partition("'")[0]
    # Only read: what stands outside of functions belongs to a machine.
    defined = [line for line in source(script).splitlines() if line == f"{function}() {{"]
    assert len(defined) == 1


@pytest.mark.parametrize("script", STEPS)
@pytest.mark.parametrize("become", ["root", "sudo", "password"])
def test_command_matches_the_golden_file(
    script: str, become: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.steps.ARTIFACTS", ARTIFACTS)
    sudo, needs_password = become != "root", become == "password"
    command = as_root(
        script,
        script_checksum(script),
        sudo=sudo,
        needs_password=needs_password,
        deadline_seconds=600,
    )
    before, _, digest = command.rpartition("/")
    assert content.get(digest) == source(script)
    assert f"{before}\n" == (GOLDEN / f"{script}-{become}.txt").read_text()


def test_command_shows_when_the_script_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = command("worker")
    monkeypatch.setattr("ops.hosts.scripts.source", lambda script: f"# other {script}")
    assert command("worker") != before


def test_command_runs_the_step_with_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'TEXT="$GREETING, $NAME"\nstep_worker() { printf "%s" "$TEXT"; }\n'
    monkeypatch.setattr("ops.hosts.scripts.source", lambda _script: text)
    given = step_input({"GREETING": "good\n'day'", "NAME": "node"}, None)
    assert _bash(command("worker"), given.encode()) == b"good\n'day', node"


@pytest.mark.parametrize("script", ["worker", "control-plane"])
def test_kubeadm_learns_of_the_cluster_by_the_files_of_the_join(script: str) -> None:
    text = f"{source(script)}\nENDPOINT=[2001:db8::1]:6443\ndiscovery_file"
    document = yaml.safe_load(_bash('eval "$(cat)"', text.encode()))
    (cluster,), (context,), (user,) = (document[key] for key in ("clusters", "contexts", "users"))
    assert context["name"] == document["current-context"]
    assert context["context"] == {"cluster": cluster["name"], "user": user["name"]}
    folder = JOIN_DISCOVERY.rpartition("/")[0]
    assert cluster["cluster"] == {
        "server": "https://[2001:db8::1]:6443",
        "certificate-authority": f"{folder}/ca.crt",
    }
    pem = f"{folder}/client.pem"
    assert user["user"] == {"client-certificate": pem, "client-key": pem}


def test_password_for_sudo_is_in_front_of_the_settings() -> None:
    assert step_input({"NAME": "node"}, "a password").startswith("a password\n\nNAME=node\n")


@pytest.mark.parametrize("left", [None, "step_worker() { echo damaged; }\n"])
def test_script_that_is_missing_or_damaged_is_not_run(left: str | None, artifacts: Path) -> None:
    run = command("worker")
    path = artifacts / run.rpartition("/")[2]
    path.unlink()
    if left:
        path.write_text(left)
    given = step_input({}, None)
    ended = subprocess.run(["bash", "-c", run], input=given, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "error: the script of this step is missing or damaged on the machine\n"
        "  what to do: run 'fleet refresh' and 'fleet up' to send it again\n"
    )
    assert not path.exists(), "the next refresh would not miss it"


def test_command_ends_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.hosts.scripts.source", lambda _script: "step_worker() { sleep 30; }\n")
    ended = subprocess.run(["bash", "-c", command("worker", 1)], input=b"", timeout=10)
    assert ended.returncode == 124


def _bash(command: str, given: bytes) -> bytes:
    finished = subprocess.run(
        ["bash", "-c", command], input=given, capture_output=True, timeout=10, check=True
    )
    return finished.stdout
